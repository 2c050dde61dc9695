/* State and drift: what is wanted, rendered and deployed, what somebody else changed, what the checks say. */
import { ask, get } from "./api.js";
import { busy, button, date, fill, h, icon, toast } from "./dom.js";

const CHECKS = { crl: "Revocation list", ca: "Certificate authority", server: "Server's certificate", render: "Rendered files", deploy: "Deployment" };

/* Public, and 503 when something is red: both are answers. */
async function readiness() {
	const answer = await fetch("/readyz", { cache: "no-store" });

	return (await answer.json()).checks || [];
}

const mark = (ok) => h(`span.mark.${ok ? "ok" : "no"}`, null, icon(ok ? "good" : "warning"), h("span.unseen", null, ok ? "good" : "needs a look"));

function step(title, commit, head, text, elsewhere) {
	const ok = commit === head || elsewhere;

	return h(`li.${ok ? "ok" : "late"}`, null, mark(ok), h("div", null, h("h3", null, title),
		commit ? h("a", { href: `#/history?commit=${commit}` }, h("code", null, commit.slice(0, 12))) : h("span.quiet", null, elsewhere ? "by other means" : "not known"),
		h("p.quiet.small", null, text)));
}

async function restart(refresh) {
	await ask("POST", "/server/restart");
	toast("OpenVPN restarts; clients come back by themselves.");
	setTimeout(refresh, 4000);
}

function openvpn(state, refresh) {
	const { running, restart_needed } = state.openvpn;

	return h("section.card", null, h("h2", null, "OpenVPN"), h("ul.checks", null,
			h("li", null, mark(running), h("span", null, running ? "It runs." : "It does not run, or its management socket does not answer.")),
			running && h("li", null, mark(!restart_needed), h("span", null, restart_needed
				? "It runs with former settings: a restart applies the new ones, and interrupts every connection for some seconds."
				: "It runs with the settings that are rendered."))),
		running && h("div.actions.start", null, button("Restart OpenVPN", busy(() => restart(refresh)), { image: "renew", kind: restart_needed ? "primary" : "" })));
}

function drift(state, refresh) {
	const found = h("div", { role: "status" });

	async function compare() {
		const { differences } = await get("/render");

		fill(found, differences.length ? [h("p", null, "The disk differs from HEAD:"), h("ul.names", null, differences.map((line) => h("li", null, h("code", null, line))))]
			: h("p.note.fine", null, icon("good"), h("span", null, "The disk is exactly what HEAD renders.")));
	}
	async function repair() {
		await ask("POST", "/render");
		toast("Everything is rendered anew.");
		refresh();
	}
	return h("section.card", null, h("h2", null, "Drift"),
		state.drift.length ? [h("p", null, "Somebody else had changed this, and it was put right:"),
			h("ul.names", null, state.drift.map((line) => h("li", null, h("code", null, line))))]
			: h("p.note.fine", null, icon("good"), h("span", null, "Nobody has changed anything behind the service's back.")),
		found, h("div.actions.start", null, button("Compare now", busy(compare)), button("Render anew", busy(repair), { image: "renew" })));
}

export async function showState({ signal, refresh }) {
	const [state, checks] = await Promise.all([get("/state", { signal }), readiness()]);
	const deployment = checks.find((check) => check.name === "deploy");
	const counts = [[state.users, "users"], [state.gateways, "gateways"]];

	return [h("header.head", null, h("div", null, h("h1", null, "State"),
			h("p.quiet", null, counts.map(([n, word]) => `${n.toLocaleString("en")} ${word}`).join(", "))),
			h("div.tools", null, button("Look again", busy(async () => refresh()), { image: "renew" }))),
		h("ol.steps.card", { "aria-label": "How far the newest change has come" },
			step("HEAD", state.head, state.head, "what is wanted"),
			step("Rendered", state.rendered, state.head, "files, certificates, firewall"),
			step("Deployed", state.deployed, state.head, state.detail || "routes, rules, connections", !state.deployed && deployment?.ok)),
		h("div.columns", null,
			h("section.card", null, h("h2", null, "Checks"), h("ul.checks", null, checks.map((check) => h("li", null, mark(check.ok),
				h("span", null, h("strong", null, CHECKS[check.name] || check.name), h("br"), h("span.quiet.small", null, check.detail.replace(/\d{4}-\d\d-\d\dT[\d:]+Z/g, date))))))),
			h("div.stack", null, openvpn(state, refresh), drift(state, refresh)))];
}
