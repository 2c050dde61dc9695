/* Differences as people read them: unified diffs in colour, and JSON before and after, line by line. */
import { h } from "./dom.js";

const MOST = 400; /* lines of one file */

function kindOf(line) {
	if (line.startsWith("@@") || line.startsWith("+++") || line.startsWith("---"))
		return "place";
	return { "+": "added", "-": "removed" }[line[0]] || "same";
}

function lines(all) {
	const shown = all.slice(0, MOST).map((line) => h(`span.${kindOf(line)}`, null, line, "\n"));

	if (all.length > MOST)
		shown.push(h("span.place", null, `… ${all.length - MOST} more lines`));
	return h("pre.diff", { tabindex: "0" }, shown);
}

const pretty = (value) => (value === null || value === undefined ? [] : JSON.stringify(value, null, 2).split("\n"));

/* The longest common subsequence, which files of some dozen lines bear. */
export function compare(before, after) {
	const table = Array.from({ length: before.length + 1 }, () => new Uint16Array(after.length + 1));
	const out = [];
	let i, j;

	for (i = before.length - 1; i >= 0; i--)
		for (j = after.length - 1; j >= 0; j--)
			table[i][j] = before[i] === after[j] ? table[i + 1][j + 1] + 1 : Math.max(table[i + 1][j], table[i][j + 1]);
	for (i = j = 0; i < before.length || j < after.length;) {
		if (i < before.length && j < after.length && before[i] === after[j]) {
			out.push(` ${before[i++]}`);
			j++;
		} else if (j >= after.length || (i < before.length && table[i + 1][j] >= table[i][j + 1])) {
			out.push(`-${before[i++]}`);
		} else {
			out.push(`+${after[j++]}`);
		}
	}
	return out;
}

function verb(file) {
	if ("diff" in file)
		return "";
	if (file.before === null)
		return "new";
	return file.after === null ? "gone" : "changed";
}

/* Without its first lines, which only name the file once more. */
function unified(text) {
	const all = text.split("\n"), first = all.findIndex((line) => line.startsWith("@@"));

	return all.slice(Math.max(first, 0)).filter((line, i, list) => line || i < list.length - 1);
}

/* Of /commit and of a dry run: {path, before, after} of the state, {path, diff} of a rendered file. */
export function diffOfFile(file) {
	const all = "diff" in file ? unified(file.diff || "") : compare(pretty(file.before), pretty(file.after));
	const word = verb(file);

	return h("details.file", null, h("summary", null, h("code", null, file.path), word && h(`span.tag.${word}`, null, word)),
		lines(all));
}
