SELECT * FROM nearest_exact(:session, :question::vector);
