#!/usr/bin/env bash
# curl.sh URL FILE CONTENT_TYPE: posts the file and prints the status and the problem's type. `EXPECT=` sends no `Expect`.
set -euo pipefail
expect=()
[[ -z ${EXPECT-x} ]] && expect=(-H "Expect:")
body=$(mktemp)
trap 'rm -f "$body"' EXIT
status=$(curl -sS --max-time 100 -o "$body" -w '%{http_code}' -H "Content-Type: $3" "${expect[@]}" --data-binary "@$2" "$1")
echo "$status $(sed -n 's/.*"type":"\([^"]*\)".*/\1/p' "$body")"
