SELECT * FROM nearest_filtered(:session, :question::vector);
