SELECT * FROM sessmem.preset('mem0');
