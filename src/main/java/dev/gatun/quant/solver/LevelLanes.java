package dev.gatun.quant.solver;

/** The second level of some groups, side by side. */
final class LevelLanes {
    final float[] scaleSteps;
    final float[] scaleZeros;
    final float[] zeroSteps;
    final float[] zeroZeros;

    LevelLanes(int lanes) {
        this.scaleSteps = new float[lanes];
        this.scaleZeros = new float[lanes];
        this.zeroSteps = new float[lanes];
        this.zeroZeros = new float[lanes];
    }

    void set(int lane, Affine scale, Affine zero) {
        scaleSteps[lane] = scale.step();
        scaleZeros[lane] = scale.zero();
        zeroSteps[lane] = zero.step();
        zeroZeros[lane] = zero.zero();
    }
}
