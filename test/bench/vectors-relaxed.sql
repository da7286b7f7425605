SELECT * FROM nearest_relaxed(:session, :question::vector);
