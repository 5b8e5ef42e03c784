#!/bin/sh
while IFS= read -r job; do
  if words=$(printf '%s' "$job" | jq -r .body | wc -w); then
    printf '%s' "$job" | jq -c --arg words "$words" '{id, ok: true, result: "\(.body): \($words)"}'
  else
    printf '%s' "$job" | jq -c '{id, error: "the words cannot be counted"}'
  fi
done
