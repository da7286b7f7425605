SELECT * FROM sessmem.recall(NULL::messages, n => 20, token => :token);
