/* A client whose types are generated from the document does a day's work: smoke.mts URL TOKEN. */
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

const [url, token] = process.argv.slice(2);
const api = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${token}` } });
const reason: components["schemas"]["ReasonText"] = "a generated client";

/* The result, or what went wrong. */
function done<T>(answer: { data?: T; error?: unknown }): T {
	assert.equal(answer.error, undefined);
	assert.notEqual(answer.data, undefined);
	return answer.data as T;
}

const user = done(await api.POST("/users", { params: { query: { reason } }, body: { name: "tess" } }));
assert("prefix" in user && user.enabled);

const fqdn = "gw.tess.example.org";
const gateway = done(await api.POST("/gateways", {
	body: { name: fqdn, user: "tess", inbound: "deny", allow: ["tcp/22", { proto: "udp", ports: "5000-5010", from: "vpn" }] },
}));
assert("certificates" in gateway);
assert.match(gateway.certificates[0].serial, /^[0-9a-f]{32}$/);

/* @ts-expect-error -- a word that the document doesn't know */
const wrong = await api.PATCH("/gateway/{fqdn}", { params: { path: { fqdn } }, body: { inbound: "sometimes" } });
assert.equal(wrong.response.status, 400);
assert.equal(wrong.error?.code, "invalid");
assert.equal(wrong.error?.errors?.[0].field, "inbound");

const patched = done(await api.PATCH("/gateway/{fqdn}", { params: { path: { fqdn } }, body: { inbound: "allow" } }));
assert("inbound" in patched && patched.inbound === "allow");

const config = done(await api.GET("/gateway/{fqdn}/config", { params: { path: { fqdn } }, parseAs: "text" }));
assert.match(config, /BEGIN PRIVATE KEY/);

const taken = await api.POST("/users", { body: { name: "tess" } });
const code: components["schemas"]["Code"] | undefined = taken.error?.code;
assert.equal(code, "name_taken");

const [row] = done(await api.GET("/gateways", { params: { query: { user: "tess", limit: 1 } } }));
assert.equal(row.name, fqdn);
const [entry] = done(await api.GET("/log", { params: { query: { gateway: fqdn, limit: 1 } } }));
assert.equal(entry.change, "gateway.patch");

const batch = done(await api.POST("/batch", {
	body: { changes: [{ op: "gateway.delete", name: fqdn }, { op: "user.delete", name: "tess" }], reason },
}));
assert("files" in batch && batch.revoked[0].name === fqdn);
const preview = done(await api.POST("/rollback", { params: { query: { dry_run: "1" } }, body: { to: "HEAD~1" } }));
assert("dry_run" in preview && preview.needs_config.includes(fqdn));

const gone = await api.GET("/user/{name}", { params: { path: { name: "tess" } } });
assert.equal(gone.response.status, 404);
console.log("done");
