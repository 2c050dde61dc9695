/* How a gateway is: one word, one colour, one mark, the same in every view. */
import { ago, date, h } from "./dom.js";

const SOON_MS = 30 * 86400 * 1000;

export const STATES = {
	connected: "connected",
	held: "not connected",
	expiring: "ends within 30 days",
	ended: "no valid certificate",
	off: "switched off",
};

/* The certificate that counts: the newest one. */
export const certificate = (gateway) => gateway.certificates[0] || null;

export function ends(gateway) {
	const own = certificate(gateway);

	return own ? own.not_after : null;
}

/* user: where it is known whether all of his are off. */
export function stateOf(gateway, user) {
	const end = ends(gateway);

	if (!gateway.enabled || (user && !user.enabled))
		return "off";
	if (!end || new Date(end) <= Date.now())
		return "ended";
	if (new Date(end) - Date.now() < SOON_MS)
		return "expiring";
	return isConnected(gateway) ? "connected" : "held";
}

export const isConnected = (gateway) => Boolean(gateway.status && gateway.status.connected);

/* Whether it is connected is said where OpenVPN tells. */
export function badge(gateway, user) {
	const state = stateOf(gateway, user), live = isConnected(gateway);

	return h("span.badges", null,
		live && state !== "connected" && h("span.badge.connected", null, "connected"),
		(state !== "held" || gateway.status) && h(`span.badge.${state}`, null, state === "expiring" ? `ends ${ago(ends(gateway))}` : STATES[state]));
}

export const lasts = (gateway) => (ends(gateway) ? date(ends(gateway)) : "—");
