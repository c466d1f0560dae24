"""What a multiply, a contraction and a transcendental function become: numerics and emitters."""
