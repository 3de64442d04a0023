#!/bin/sh
# Fetches the Llama-3 vocabulary through an npm package, once: artifacts/llama3/vocabulary.json.
# The package serves tests only; nothing of it enters the product or the repository.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$root/artifacts/llama3
output=$folder/vocabulary.json
[ -f "$output" ] && exit 0

for tool in npm node; do
  command -v "$tool" >/dev/null || { echo "$tool is needed to fetch the Llama-3 vocabulary" >&2; exit 1; }
done

mkdir -p "$folder"
[ -d "$folder/node_modules/llama3-tokenizer-js" ] ||
  npm install --prefix "$folder" --no-audit --no-fund --ignore-scripts llama3-tokenizer-js@1.2.0

# A name of its own until it is whole, so that an interrupted run leaves no half file behind.
node "$root/tests/tools/llama3-vocabulary.mjs" "$folder" "$output.$$"
mv "$output.$$" "$output"
