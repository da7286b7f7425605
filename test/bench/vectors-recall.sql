SELECT * FROM sessmem.recall_similar(NULL::memories, :question, token => :token);
