// HubSpot's own client (`@hubspot/api-client`) against the sandbox, whose address is the first argument.
const assert = require("assert/strict");
const { Client } = require("@hubspot/api-client");

async function main() {
  const client = new Client({ basePath: process.argv[2], accessToken: "pat-sandbox" });
  const contacts = client.crm.contacts;

  const made = await contacts.basicApi.create({ properties: { email: "ana@acme.test", firstname: "Ana" }, associations: [] });
  const read = await contacts.basicApi.getById(made.id, ["email", "firstname"]);
  assert.deepEqual([read.properties.email, read.properties.firstname], ["ana@acme.test", "Ana"]);
  await contacts.basicApi.update(made.id, { properties: { firstname: "Anna" } });

  const inputs = Array.from({ length: 25 }, (_, number) => ({
    properties: { email: `n${number}@acme.test` }, associations: [], objectWriteTraceId: `t${number}`,
  }));
  const batch = await contacts.batchApi.create({ inputs });
  assert.equal(batch.results.length, 25);
  const again = await contacts.batchApi.create({ inputs: [inputs[0], { ...inputs[1], properties: { email: "new@acme.test" } }] });
  assert.deepEqual([again.results.length, again.numErrors], [1, 1]);
  const ids = batch.results.map((record) => ({ id: record.id }));
  const some = await contacts.batchApi.read({ inputs: ids.slice(0, 3), properties: ["email"], propertiesWithHistory: [] });
  assert.equal(some.results.length, 3);
  await contacts.batchApi.update({ inputs: ids.slice(0, 2).map(({ id }) => ({ id, properties: { city: "Bonn" } })) });
  const upserted = await contacts.batchApi.upsert({
    inputs: [{ idProperty: "email", id: "up@acme.test", properties: { firstname: "Up" } }],
  });
  assert.equal(upserted.results[0]._new ?? upserted.results[0].new, true);

  const all = await contacts.getAll(10, undefined, ["email"]);
  assert.equal(all.length, 28);
  const filters = [{ propertyName: "city", operator: "EQ", value: "Bonn" }];
  const found = await contacts.searchApi.doSearch({ filterGroups: [{ filters }], sorts: ["hs_object_id"], properties: ["city"], limit: 10 });
  assert.deepEqual([found.total, found.results.map((record) => record.id)], [2, ids.slice(0, 2).map(({ id }) => id)]);

  const company = await client.crm.companies.basicApi.create({ properties: { name: "Acme", domain: "acme.test" }, associations: [] });
  await client.crm.associations.v4.basicApi.createDefault("contacts", made.id, "companies", company.id);
  const related = await client.crm.associations.v4.basicApi.getPage("contacts", made.id, "companies");
  assert.equal(related.results[0].toObjectId, company.id);

  await contacts.basicApi.archive(ids[5].id);
  await contacts.batchApi.archive({ inputs: ids.slice(6, 8) });
  await assert.rejects(contacts.basicApi.getById(ids[5].id), (error) => error.code === 404);
  const archived = await contacts.getAll(100, undefined, ["email"], undefined, undefined, true);
  assert.equal(archived.length, 3);
  const properties = await client.crm.properties.coreApi.getAll("contacts");
  assert.ok(properties.results.some((property) => property.name === "email" && property.hasUniqueValue));
}

main().then(() => console.log("all done"), (error) => {
  console.error(error);
  process.exit(1);
});
