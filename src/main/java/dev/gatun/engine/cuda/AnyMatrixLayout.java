package dev.gatun.engine.cuda;

/** {@code struct AnyMatrix} of {@code any.cu}: a matrix in any format, described to a kernel. */
final class AnyMatrixLayout {
    /** Bytes of one description. */
    static final long BYTES = 72;

    private static final long CODES = 0;
    private static final long SCALE_CODES = 8;
    private static final long ZERO_CODES = 16;
    private static final long SCALE_SCALES = 24;
    private static final long SCALE_ZEROS = 32;
    private static final long FORMAT = 40;
    private static final long ROWS = 44;
    private static final long COLUMNS = 48;
    private static final long GROUP_SIZE = 52;
    private static final long PAIRS = 56;
    private static final long ZERO_SCALE = 60;
    private static final long ZERO_ZERO = 64;

    /** Formats of quantized matrices are this and the bits of a code. */
    private static final int QUANTIZED = 16;

    private AnyMatrixLayout() {}

    /** Writes the description of a matrix that is not in tiles. */
    static void write(DeviceMatrix.Untiled matrix, KernelStruct target) {
        target.clear().integer(ROWS, matrix.rows()).integer(COLUMNS, matrix.columns());
        switch (matrix) {
            case DeviceMatrix.Dense dense ->
                target.pointer(CODES, dense.values()).integer(FORMAT, FloatTypes.code(dense.type()));
            case DeviceMatrix.Hqq hqq -> write(hqq, target);
            case DeviceMatrix.Narrow narrow -> write(narrow, target);
        }
    }

    /** No pairs, and scale codes and zero codes in the same bytes, tell scales of 4 bits. */
    private static void write(DeviceMatrix.Narrow matrix, KernelStruct target) {
        target.pointer(CODES, matrix.codes())
                .pointer(SCALE_CODES, matrix.metas())
                .pointer(ZERO_CODES, matrix.metas())
                .pointer(SCALE_SCALES, matrix.pairs())
                .integer(FORMAT, QUANTIZED + matrix.scheme().bits())
                .integer(GROUP_SIZE, matrix.scheme().groupSize());
    }

    private static void write(DeviceMatrix.Hqq matrix, KernelStruct target) {
        target.pointer(CODES, matrix.codes())
                .pointer(SCALE_CODES, matrix.scaleCodes())
                .pointer(ZERO_CODES, matrix.zeroCodes())
                .pointer(SCALE_SCALES, matrix.scaleScales())
                .pointer(SCALE_ZEROS, matrix.scaleZeros())
                .integer(FORMAT, QUANTIZED + matrix.scheme().bits())
                .integer(GROUP_SIZE, matrix.scheme().groupSize())
                .integer(PAIRS, Math.toIntExact(matrix.scaleScales().byteSize() / Short.BYTES))
                .real(ZERO_SCALE, matrix.zeroScale())
                .real(ZERO_ZERO, matrix.zeroZero());
    }
}
