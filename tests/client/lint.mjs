/* Says what a linter finds wrong with an OpenAPI document: lint.mjs FILE. */
import { createConfig, lint } from "@redocly/openapi-core";

const config = await createConfig({ extends: ["recommended-strict"] });
const problems = await lint({ ref: process.argv[2], config });
for (const problem of problems)
	console.log(`${problem.location[0]?.pointer}: ${problem.ruleId}: ${problem.message}`);
process.exitCode = problems.length ? 1 : 0;
