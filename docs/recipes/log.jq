select((.message // "") | startswith("sessmem violation: ")) | {timestamp} + (.detail | fromjson)
