SELECT * FROM sessmem.preset('langchain');
