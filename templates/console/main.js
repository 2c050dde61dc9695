/* Signing in and out, the views and which one is shown, what waits for a confirmation. */
import { ask, get, listen, Problem, token } from "./api.js";
import { busy, button, clock, fill, h, icon, say, tell, toast } from "./dom.js";
import { showGateway, showGateways } from "./gateways.js";
import { showHistory } from "./history.js";
import { showPlan } from "./plan.js";
import { showSettings } from "./settings.js";
import { showState } from "./state.js";
import { showUser, showUsers } from "./users.js";

const LOOK_MS = 15000, SETTLE_MS = 400;
const VIEWS = [
	{ path: "plan", title: "Plan", icon: "plan", show: showPlan, live: true },
	{ path: "users", title: "Users", icon: "users", show: showUsers },
	{ path: "gateways", title: "Gateways", icon: "gateways", show: showGateways },
	{ path: "history", title: "History", icon: "history", show: showHistory },
	{ path: "state", title: "State", icon: "state", show: showState, live: true },
	{ path: "settings", title: "Settings", icon: "settings", show: showSettings },
	{ path: "user", of: "users", title: "User", show: showUser, live: true },
	{ path: "gateway", of: "gateways", title: "Gateway", show: showGateway, live: true },
];
const $ = (id) => document.getElementById(id);

let current = null; /* {stop: AbortController} of the view that is shown */
let watch = 0, soon = 0;
let ears = null; /* AbortController of the stream of events */

/* "#/gateway/a.example.org?x=1": the view, its argument, its parameters. */
function where() {
	const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
	const [view, ...rest] = path.split("/");

	return { view: VIEWS.find((entry) => entry.path === view) || VIEWS[0], name: decodeURIComponent(rest.join("/")),
		query: new URLSearchParams(query || "") };
}

function showNavigation(view) {
	fill($("nav"), VIEWS.filter((entry) => entry.icon).map((entry) => h("a", { href: `#/${entry.path}`,
		"aria-current": entry.path === (view.of || view.path) ? "page" : null }, icon(entry.icon), h("span", null, entry.title))));
}

/* What to find the twin of an element by, when its view is drawn anew. */
function sameAs(element) {
	const name = (of) => of.dataset.key || of.getAttribute("aria-label") || of.textContent;

	return $("main").contains(element) && element !== $("main") &&
		(() => [...$("main").querySelectorAll(element.tagName)].find((other) => name(other) === name(element)));
}

async function route({ keepFocus = false, isFirst = false } = {}) {
	const { view, name, query } = where();
	const stop = new AbortController();

	if (!token.get())
		return;
	if (current)
		current.stop.abort();
	current = { stop };
	showNavigation(view);
	document.title = `${name || view.title} · ${$("network").textContent}`;
	if (!keepFocus) {
		fill($("main"), h("p.quiet.loading", null, "Loading…"));
		scrollTo(0, 0);
	}
	try {
		const page = await view.show({ name, query, signal: stop.signal, refresh: () => route({ keepFocus: true }) });

		if (stop.signal.aborted)
			return;
		const again = keepFocus && sameAs(document.activeElement);

		fill($("main"), page);
		if (again)
			again()?.focus({ preventScroll: true });
		if (!keepFocus && !isFirst) { /* a page that has just been loaded begins at its beginning */
			$("main").focus({ preventScroll: true });
			say(`${name || view.title} is shown.`);
		}
	} catch (error) {
		if (stop.signal.aborted || error.status === 401)
			return;
		fill($("main"), h("div.card.empty", null, icon("warning"), h("p", null, error.message),
			button("Try again", () => route(), { image: "renew" })));
		if (!(error instanceof Problem))
			throw error;
	}
}

/* --- what waits for its confirmation, above every view --- */

async function decide(method, commit, done) {
	await ask(method, `/confirm/${commit}`);
	toast(done);
	look();
	route({ keepFocus: true });
}

function showPending(pending) {
	const banner = $("banner");

	if (!pending) {
		if (banner.firstChild)
			fill(banner);
		return;
	}
	if (banner.dataset.commit === pending.commit && banner.firstChild)
		return;
	banner.dataset.commit = pending.commit;
	fill(banner, h("div.pending", { role: "alert" }, icon("warning"),
		h("p", null, "A change undoes itself at ", h("strong", null, clock(pending.deadline)), " unless you keep it: ",
			h("a", { href: `#/history?commit=${pending.commit}` }, pending.commit.slice(0, 10))),
		button("Keep it", busy(() => decide("POST", pending.commit, "It stays.")), { kind: "primary" }),
		button("Undo it now", busy(() => decide("DELETE", pending.commit, "It is undone.")))));
}

async function look() {
	if (!token.get() || document.hidden)
		return;
	try {
		showPending((await get("/state")).pending);
	} catch (error) {
		if (error.status === 403)
			clearInterval(watch); /* a token that may not see it */
	}
}

/* Something has happened: the view follows, but not under the hands of who is typing. */
function follow() {
	clearTimeout(soon);
	soon = setTimeout(() => {
		if (document.querySelector("button:active, a:active")) {
			follow(); /* a click is under way */
			return;
		}
		const typing = document.activeElement.matches("input, textarea, select") || document.querySelector("dialog[open]");

		look();
		if (where().view.live && !typing && !document.hidden)
			route({ keepFocus: true });
	}, SETTLE_MS);
}

/*
 * By events where the service has room for one more listener; by looking now and then as well.  A browser has
 * six connections for all of its tabs, so that only the one that is looked at listens.
 */
async function hear() {
	ears?.abort();
	if (!token.get() || document.hidden)
		return;
	ears = new AbortController();
	try {
		await listen(ears.signal, follow);
	} catch (error) {
		if (error.name === "AbortError")
			return;
	}
	setTimeout(hear, LOOK_MS);
}

function turn() {
	if (document.hidden) {
		ears?.abort();
		return;
	}
	hear();
	follow();
}

/* --- in and out --- */

function showWelcome(text) {
	$("app").hidden = true;
	$("welcome").hidden = false;
	$("token-error").textContent = text || "";
	$("token").focus();
}

async function enter(isFirst) {
	const network = await get("/network");

	$("network").textContent = network.name;
	$("welcome").hidden = true;
	$("app").hidden = false;
	clearInterval(watch);
	watch = setInterval(look, LOOK_MS);
	look();
	hear();
	await route({ isFirst });
}

async function signIn(event) {
	const field = $("token"), send = event.target.querySelector("[type=submit]");

	event.preventDefault();
	$("token-error").textContent = "";
	if (!field.value.trim()) {
		$("token-error").textContent = "A token, please.";
		return;
	}
	send.disabled = true;
	token.set(field.value.trim());
	try {
		await enter();
		field.value = "";
	} catch (error) {
		token.drop();
		showWelcome(error.message);
	}
	send.disabled = false;
}

function signOut(text) {
	token.drop();
	clearInterval(watch);
	ears?.abort();
	if (current)
		current.stop.abort();
	for (const dialog of document.querySelectorAll("dialog"))
		dialog.close();
	fill($("main"));
	fill($("banner"));
	showWelcome(typeof text === "string" ? text : "");
	say("Signed out.");
}

function begin() {
	$("signin").addEventListener("submit", signIn);
	$("signout").addEventListener("click", signOut);
	$("skip").addEventListener("click", () => $("main").focus());
	document.addEventListener("signed-out", (event) => {
		if (token.get() && !$("app").hidden)
			signOut(event.detail || "Please sign in again.");
	});
	window.addEventListener("hashchange", () => route());
	window.addEventListener("pagehide", () => ears?.abort());
	window.addEventListener("pageshow", (event) => event.persisted && turn());
	document.addEventListener("visibilitychange", turn);
	if (token.get())
		enter(true).catch((error) => (error.status === 401 ? signOut(error.message) : (showWelcome(error.message), tell(error))));
	else
		showWelcome();
}

begin();
