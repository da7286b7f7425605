SELECT * FROM nearest_strict(:session, :question::vector);
