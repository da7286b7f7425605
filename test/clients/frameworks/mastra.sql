SELECT * FROM sessmem.preset('mastra');
