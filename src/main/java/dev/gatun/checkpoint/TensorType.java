package dev.gatun.checkpoint;

import dev.gatun.quant.FloatType;
import java.util.Arrays;
import java.util.Optional;

/** The element types of safetensors that Gatun knows; the names are the format's own. All are little-endian. */
public enum TensorType {
    BOOL(1),
    U8(1),
    I8(1),
    U16(2),
    I16(2),
    U32(4),
    I32(4),
    U64(8),
    I64(8),
    F16(2),
    BF16(2),
    F32(4),
    F64(8);

    private final int bytes;

    TensorType(int bytes) {
        this.bytes = bytes;
    }

    /** Bytes of one element. */
    public int bytes() {
        return bytes;
    }

    /** The type that weights of this type are computed with; empty for types that hold no weights. */
    public Optional<FloatType> floatType() {
        return switch (this) {
            case F16 -> Optional.of(FloatType.F16);
            case BF16 -> Optional.of(FloatType.BF16);
            case F32 -> Optional.of(FloatType.F32);
            case BOOL, U8, I8, U16, I16, U32, I32, U64, I64, F64 -> Optional.empty();
        };
    }

    static Optional<TensorType> named(String name) {
        return Arrays.stream(values()).filter(type -> type.name().equals(name)).findFirst();
    }
}
