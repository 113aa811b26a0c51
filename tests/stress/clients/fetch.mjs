// fetch.mjs URL FILE CONTENT_TYPE: posts the file with Node's fetch; prints the status and the problem's type.
import { readFileSync } from "node:fs";

const [url, file, type] = process.argv.slice(2);
const answer = await fetch(url, { method: "POST", body: readFileSync(file), headers: { "Content-Type": type } });
console.log(answer.status, (await answer.json()).type);
