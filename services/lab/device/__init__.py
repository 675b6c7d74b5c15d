"""A device of the lab: the edge agent, its containers as processes, their network, and the programs of the lab's images."""
