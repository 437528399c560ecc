// A client for NetSuite by others (`netsuite-rest`), which signs each request, against the sandbox, whose address is the first
// argument.
const assert = require("assert/strict");
const NetsuiteRest = require("netsuite-rest");

const keys = {
  consumer_key: "consumer-1", consumer_secret_key: "consumer-secret-1", token: "token-1", token_secret: "token-secret-1",
  realm: "123456_SB1", base_url: process.argv[2],
};
const strict = {
  "content-type": "application/json",
  "x-netsuite-propertynamevalidation": "Error", "x-netsuite-propertyvaluevalidation": "Error",
};

async function main() {
  const client = new NetsuiteRest(keys);
  const send = (method, path, body) =>
    client.request({ method, path, body: body && JSON.stringify(body), heads: strict });
  const rows = async (q, params = [], page = "") =>
    (await client.request({ method: "POST", path: `query/v1/suiteql${page}`, body: JSON.stringify({ q, params }), heads: strict })).data;

  const ids = [];
  for (let number = 0; number < 7; number++) {
    const body = { isPerson: true, firstName: "Ana", lastName: `Number ${number}`, email: `n${number}@acme.test` };
    const made = await send("PUT", `record/v1/customer/eid:key-${number}`, body);
    assert.equal(made.statusCode, 204);
    // It keeps no headers of an answer, and with them not where the record is.
    ids.push((await send("GET", `record/v1/customer/eid:key-${number}`)).data.id);
  }
  assert.equal(new Set(ids).size, 7);
  await send("PUT", "record/v1/customer/eid:key-0", { firstName: "Anna" });
  const read = (await send("GET", `record/v1/customer/${ids[0]}`)).data;
  assert.equal(read.firstname, "Anna");
  assert.match(read.lastModifiedDate, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);

  const seen = [];
  for (let offset = 0, more = true; more; offset += 3) {
    const page = await rows("SELECT id, firstname FROM customer WHERE isperson = 'T' ORDER BY id", [], `?limit=3&offset=${offset}`);
    seen.push(...page.items.map((row) => row.id));
    more = page.hasMore;
  }
  assert.deepEqual(seen, ids);
  const found = await rows("SELECT id FROM customer WHERE isperson = 'T' AND externalid IN (?) ORDER BY id", ["key-3"]);
  assert.deepEqual(found.items.map((row) => row.id), [ids[3]]);

  await send("PATCH", `record/v1/customer/${ids[1]}`, { email: "new@acme.test" });
  assert.equal((await send("GET", `record/v1/customer/${ids[1]}`)).data.email, "new@acme.test");
  await assert.rejects(send("PATCH", `record/v1/customer/${ids[1]}`, { email: "none" }), /400/);
  assert.equal((await send("DELETE", `record/v1/customer/${ids[1]}`)).statusCode, 204);
  await assert.rejects(send("GET", `record/v1/customer/${ids[1]}`), /404/);
  const deleted = await rows("SELECT recordid AS id FROM deletedrecord WHERE recordtypeid = ? ORDER BY deleteddate, recordid", ["customer"]);
  assert.deepEqual(deleted.items.map((row) => row.id), [ids[1]]);

  for (const wrong of ["consumer_secret_key", "token_secret", "token", "realm"]) {
    const forged = new NetsuiteRest({ ...keys, [wrong]: "another" });
    await assert.rejects(forged.request({ path: `record/v1/customer/${ids[0]}` }), /401/, wrong);
  }
}

main().then(() => console.log("all done"), (error) => {
  console.error(error);
  process.exit(1);
});
