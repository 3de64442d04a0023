// Lists a GGUF file with a reader that is not ours, npm @huggingface/gguf: counts, and names with sizes, as one JSON object.
// Usage: node list-gguf.mjs <folder with node_modules> <file>
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readFileSync } from 'node:fs';

const [folder, file] = process.argv.slice(2);
const home = join(resolve(folder), 'node_modules/@huggingface/gguf');
const { module, main } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
const { gguf } = await import(pathToFileURL(join(home, module ?? main)).href);
const { metadata, tensorInfos } = await gguf(resolve(file), { allowLocalFile: true });
console.log(JSON.stringify({
  version: metadata.version,
  architecture: metadata['general.architecture'],
  tensor_count: Number(metadata.tensor_count),
  key_count: Number(metadata.kv_count),
  tensors: tensorInfos.map(t => ({ name: t.name, type: t.dtype, shape: t.shape.map(Number), offset: Number(t.offset) })),
}));
