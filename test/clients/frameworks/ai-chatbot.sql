SELECT * FROM sessmem.preset('ai_chatbot');
