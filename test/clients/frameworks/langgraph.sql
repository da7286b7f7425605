SELECT * FROM sessmem.preset('langgraph');
