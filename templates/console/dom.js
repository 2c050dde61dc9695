/* Elements, words for times, notices, dialogs: what every view is made of. No markup is ever parsed from text. */

const SVG = "http://www.w3.org/2000/svg";
const PATHS = {
	plan: "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h6v6h-6z",
	users: "M9 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM2 21c0-4 3-6.500 7-6.500s7 2.500 7 6.500M16 3.500a4 4 0 0 1 0 7M18 15c2.500.800 4 2.900 4 6",
	gateways: "M4 13h16v6H4zM7.500 16h.010M11 16h.010M8 9a6 6 0 0 1 8 0M5.500 6a10 10 0 0 1 13 0",
	history: "M3 12a9 9 0 1 0 3-6.700M3 4v4h4M12 7v5l3 2",
	state: "M3 12h4l3-8 4 16 3-8h4",
	settings: "M4 7h10M18 7h2M4 17h2M10 17h10M14 4v6M6 14v6",
	plus: "M12 5v14M5 12h14",
	download: "M12 4v11M7 11l5 5 5-5M5 20h14",
	renew: "M20 11a8 8 0 0 0-14-4L4 9M4 4v5h5M4 13a8 8 0 0 0 14 4l2-2M20 20v-5h-5",
	remove: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
	undo: "M9 14L4 9l5-5M4 9h10a6 6 0 0 1 0 12h-3",
	edit: "M4 20h4L19 9l-4-4L4 16z",
	power: "M12 3v9M6.500 7a8 8 0 1 0 11 0",
	copy: "M9 9h11v11H9zM5 15H4V4h11v1",
	back: "M15 5l-7 7 7 7",
	forward: "M9 5l7 7-7 7",
	warning: "M12 4L2.500 20h19zM12 10v4M12 17h.010",
	good: "M5 12l5 5 9-10",
};

/* h("div.card.wide", {onclick, "aria-label": "x"}, children...); null and false are left out. */
export function h(what, attributes, ...children) {
	const [tag, ...classes] = what.split(".");
	const element = document.createElement(tag || "div");

	if (classes.length)
		element.className = classes.join(" ");
	for (const [key, value] of Object.entries(attributes || {})) {
		if (value === null || value === undefined || value === false)
			continue;
		if (key.startsWith("on"))
			element.addEventListener(key.slice(2), value);
		else if (key in element && typeof value !== "string")
			element[key] = value;
		else
			element.setAttribute(key, value === true ? "" : value);
	}
	append(element, children);
	return element;
}

function append(element, children) {
	for (const child of children.flat(Infinity))
		if (child !== null && child !== undefined && child !== false)
			element.append(child);
}

export function fill(element, ...children) {
	element.replaceChildren();
	append(element, children);
	return element;
}

export function icon(name) {
	const svg = document.createElementNS(SVG, "svg"), path = document.createElementNS(SVG, "path");

	svg.setAttribute("viewBox", "0 0 24 24");
	svg.setAttribute("class", "icon");
	svg.setAttribute("aria-hidden", "true");
	path.setAttribute("d", PATHS[name]);
	svg.append(path);
	return svg;
}

export function button(label, onclick, { kind = "", image, ...rest } = {}) {
	return h(`button${kind ? "." + kind.split(" ").join(".") : ""}`, { type: "button", onclick, ...rest },
		image && icon(image), h("span", null, label));
}

/* --- words --- */

const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const STEPS = [[60, "second"], [60, "minute"], [24, "hour"], [30, "day"], [12, "month"], [Infinity, "year"]];

export function ago(text) {
	let n = (new Date(text) - Date.now()) / 1000;

	for (const [size, unit] of STEPS) {
		if (Math.abs(n) < size)
			return RELATIVE.format(Math.round(n), unit);
		n /= size;
	}
	return text;
}

export const date = (text) => new Date(text).toLocaleDateString("en", { day: "numeric", month: "short", year: "numeric" });
export const clock = (text) => new Date(text).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
export const when = (text) => h("time", { datetime: text, title: new Date(text).toLocaleString("en-GB") }, ago(text));
export const plural = (n, word) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;

export function bytes(n) {
	const units = ["B", "kB", "MB", "GB", "TB"];
	let i = 0;

	for (; n >= 1000 && i < units.length - 1; i++)
		n /= 1000;
	return `${n < 10 && i ? n.toFixed(1) : Math.round(n)} ${units[i]}`;
}

/* --- notices --- */

/* For who listens instead of looking. */
export function say(text) {
	document.getElementById("said").textContent = text;
}

export function toast(text, kind = "good") {
	const place = document.getElementById("toasts");
	const element = h(`div.toast.${kind}`, { role: kind === "bad" ? "alert" : "status" },
		icon(kind === "bad" ? "warning" : "good"), h("p", null, text),
		h("button.plain", { type: "button", "aria-label": "Close", onclick: () => element.remove() }, "×"));

	place.append(element);
	if (place.matches(":popover-open"))
		place.hidePopover();
	place.showPopover(); /* above a dialog that came later, too */
	setTimeout(() => element.remove(), kind === "bad" ? 20000 : 6000);
}

/* Every refusal is told as the service words it. */
export function tell(error) {
	if (error.name !== "AbortError")
		toast(error.message, "bad");
}

/* A handler that shows that it works, once at a time, and tells what went wrong. */
export function busy(work) {
	return async (event) => {
		const element = event.currentTarget;

		event.preventDefault();
		if (element.getAttribute("aria-busy") === "true")
			return;
		element.setAttribute("aria-busy", "true");
		try {
			await work(event);
		} catch (error) {
			tell(error);
		} finally {
			element.removeAttribute("aria-busy");
		}
	};
}

/* Arrow keys walk the cells of a picture, of which Tab reaches one. */
export function rove(container, columns) {
	const cells = () => [...container.querySelectorAll("[data-cell]")];
	const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };

	container.addEventListener("focusin", (event) => {
		if (!event.target.matches("[data-cell]"))
			return;
		for (const cell of cells())
			cell.tabIndex = cell === event.target ? 0 : -1;
	});
	container.addEventListener("keydown", (event) => {
		const all = cells(), at = all.indexOf(event.target);
		let to = at + (steps[event.key] || 0);

		if (at < 0)
			return;
		if (event.key === "Home")
			to = 0;
		if (event.key === "End")
			to = all.length - 1;
		if (to === at || !all[to])
			return;
		event.preventDefault();
		all[to].focus();
	});
}
