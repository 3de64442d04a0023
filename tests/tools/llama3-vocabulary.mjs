// Writes the Llama-3 vocabulary of the installed npm package as plain JSON: ordinary tokens by id, merges as id pairs by rank.
// Usage: node llama3-vocabulary.mjs <folder with node_modules> <output file>
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const ordinary = 128000;
const [folder, output] = process.argv.slice(2);
const bundle = join(resolve(folder), 'node_modules/llama3-tokenizer-js/bundle/llama3-tokenizer-with-baked-data.js');
const { default: tokenizer } = await import(pathToFileURL(bundle).href);

// The package keys its merges by "left right" and numbers them upwards; a Map keeps the order of insertion, which is that order.
const merges = [];
let last = -1;
for (const [pair, priority] of tokenizer.merges) {
  if (priority <= last) {
    throw new Error(`merge "${pair}" is out of order`);
  }

  last = priority;
  const [left, right] = pair.split(' ').map(token => tokenizer.vocabByString.get(token));
  if (left === undefined || right === undefined) {
    throw new Error(`merge "${pair}" names an unknown token`);
  }

  merges.push(left, right);
}

writeFileSync(output, JSON.stringify({ tokens: tokenizer.vocabById.slice(0, ordinary), merges }));
console.log(`${ordinary} tokens, ${merges.length / 2} merges`);
