package dev.gatun.quant.solver;

/** The second level of the groups of a block, side by side. */
final class LevelLanes {
    final float[] scaleSteps = new float[Grid.LANES];
    final float[] scaleZeros = new float[Grid.LANES];
    final float[] zeroSteps = new float[Grid.LANES];
    final float[] zeroZeros = new float[Grid.LANES];

    void set(int lane, Affine scale, Affine zero) {
        scaleSteps[lane] = scale.step();
        scaleZeros[lane] = scale.zero();
        zeroSteps[lane] = zero.step();
        zeroZeros[lane] = zero.zero();
    }
}
