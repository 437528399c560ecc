// Shopify's own client (`@shopify/admin-api-client`) against the sandbox, whose address is the first argument.
const assert = require("assert/strict");
const { createAdminApiClient } = require("@shopify/admin-api-client");

async function main() {
  const store = "acme.myshopify.com";
  const client = createAdminApiClient({
    storeDomain: store, apiVersion: "2026-07", accessToken: "shpat-sandbox",
    // It speaks to any shop by https only.
    customFetchApi: (url, init) => fetch(String(url).replace(`https://${store}`, process.argv[2]), init),
  });
  const ask = async (query, variables) => {
    const { data, errors, extensions } = await client.request(query, { variables });
    assert.equal(errors, undefined, JSON.stringify(errors));
    assert.ok(extensions.cost.throttleStatus.currentlyAvailable <= 2000);
    return data;
  };

  const set = `mutation Set($identifier: CustomerSetIdentifiers, $input: CustomerSetInput!) {
    customerSet(identifier: $identifier, input: $input) { customer { id firstName } userErrors { field message code } } }`;
  const identifier = { customId: { namespace: "accordant", key: "key", value: "1" } };
  const made = await ask(set, { identifier, input: { email: "ana@acme.test", firstName: "Ana" } });
  const id = made.customerSet.customer.id;
  const again = await ask(set, { identifier, input: { firstName: "Anna" } });
  assert.deepEqual(again.customerSet.customer, { id, firstName: "Anna" });
  const taken = await ask(set, { input: { email: "ana@acme.test" } });
  assert.equal(taken.customerSet.userErrors[0].code, "TAKEN");

  for (let number = 0; number < 7; number++) {
    await ask(set, { input: { email: `n${number}@acme.test` } });
  }
  const page = `query Page($first: Int!, $after: String) { customers(first: $first, after: $after, sortKey: UPDATED_AT) {
    nodes { id defaultEmailAddress { emailAddress } } pageInfo { hasNextPage endCursor } } }`;
  const seen = [];
  for (let after = null, more = true; more; ) {
    const { customers } = await ask(page, { first: 3, after });
    seen.push(...customers.nodes.map((node) => node.id));
    more = customers.pageInfo.hasNextPage;
    after = customers.pageInfo.endCursor;
  }
  assert.deepEqual([seen.length, new Set(seen).size], [8, 8]);

  const metafields = `mutation M($metafields: [MetafieldsSetInput!]!) { metafieldsSet(metafields: $metafields) {
    metafields { value compareDigest } userErrors { code } } }`;
  const field = { ownerId: id, namespace: "crm", key: "tier", type: "single_line_text_field" };
  const first = await ask(metafields, { metafields: [{ ...field, value: "gold", compareDigest: null }] });
  const digest = first.metafieldsSet.metafields[0].compareDigest;
  const stale = await ask(metafields, { metafields: [{ ...field, value: "tin", compareDigest: null }] });
  assert.equal(stale.metafieldsSet.userErrors[0].code, "STALE_OBJECT");
  await ask(metafields, { metafields: [{ ...field, value: "tin", compareDigest: digest }] });

  const remove = "mutation D($input: CustomerDeleteInput!) { customerDelete(input: $input) { deletedCustomerId userErrors { message } } }";
  assert.equal((await ask(remove, { input: { id } })).customerDelete.deletedCustomerId, id);
  const { nodes } = await ask("query N($ids: [ID!]!) { nodes(ids: $ids) { id } }", { ids: [id, seen[1]] });
  assert.deepEqual([nodes[0], nodes[1].id], [null, seen[1]]);
}

main().then(() => console.log("all done"), (error) => {
  console.error(error);
  process.exit(1);
});
