package dev.gatun.engine.cuda;

import dev.gatun.quant.FloatType;

/** How kernels number the types of unquantized values: {@code TYPE_*} in {@code kernels/common.cuh}. */
public final class FloatTypes {
    private FloatTypes() {}

    /** The number of a type. */
    public static int code(FloatType type) {
        return switch (type) {
            case F32 -> 0;
            case F16 -> 1;
            case BF16 -> 2;
        };
    }
}
