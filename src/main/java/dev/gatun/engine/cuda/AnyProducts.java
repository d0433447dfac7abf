package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.cuda.LaunchShape;

/** {@code any.cu}: products with matrices in any format, in fp32; slower than those with tiles. */
final class AnyProducts {
    /** What becomes of y. */
    enum Mode {
        /** y = W x. */
        SET(0),
        /** y += W x. */
        ADD(1),
        /** y = silu(y) &middot; W x. */
        GATE(2);

        private final int code;

        Mode(int code) {
            this.code = code;
        }
    }

    /** Which matrix of each expert. */
    enum Part {
        GATE(0),
        UP(1),
        DOWN(2);

        private final int code;

        Part(int code) {
            this.code = code;
        }
    }

    private static final int BLOCK = 256;
    private static final int MATVEC_ROWS = 8;
    private static final int BLOCKS_PER_MULTIPROCESSOR = 16;
    private static final int MOST_BLOCKS = 65535;

    // struct AnyProduct.
    private static final long BYTES = 160;
    private static final long TABLE = 0;
    private static final long OFFSETS = 16;
    private static final long ORDER = 24;
    private static final long X = 32;
    private static final long Y = 40;
    private static final long ERROR = 48;
    private static final long ITEMS = 56;
    private static final long EXPERTS = 60;
    private static final long WHICH = 64;
    private static final long TOP_K = 68;
    private static final long MODE = 72;
    private static final long ROWS = 76;
    private static final long COLUMNS = 80;
    private static final long MATRIX = 88;

    /** A kernel and how many items it takes at once. */
    private record Variant(int items, int rows, KernelArguments kernel) {}

    private final CudaStream stream;
    private final int multiprocessors;
    private final KernelStruct product = KernelStruct.allocate(BYTES);
    private final Variant one;
    private final Variant four;
    private final Variant some;
    private final Variant many;

    AnyProducts(KernelLibrary kernels, CudaStream stream) {
        this.stream = stream;
        this.multiprocessors = kernels.device().properties().multiprocessors();
        this.one = new Variant(1, MATVEC_ROWS, kernels.find("any", "gatun_any_matvec_t1"));
        this.four = new Variant(4, MATVEC_ROWS, kernels.find("any", "gatun_any_matvec_t4"));
        this.some = new Variant(32, 64, kernels.find("any", "gatun_any_tiles_n32"));
        this.many = new Variant(128, 128, kernels.find("any", "gatun_any_tiles_n128"));
    }

    /** y = W &middot; x, or y += W &middot; x. */
    void multiply(DeviceMatrix.Untiled matrix, DeviceFloats x, DeviceFloats y, Mode mode, DeviceMemory error) {
        product.clear().integer(EXPERTS, 1);
        AnyMatrixLayout.write(matrix, product.part(MATRIX, AnyMatrixLayout.BYTES));
        setProduct(x.memory(), y, mode, error, matrix.columns());
        Variant variant = variant(y.rows());
        launch(variant, Math.ceilDiv(y.rows(), variant.items()), y.columns());
    }

    /**
     * One matrix of each expert with the rows of x that chose it.
     *
     * @param x of {@code topK > 0} [tokens, columns]; otherwise [choices, columns], sorted by expert
     * @param y [choices, rows], sorted by expert
     */
    void multiplyExperts(
            DeviceMemory table,
            Part part,
            int experts,
            int topK,
            GroupedChoices choices,
            DeviceFloats x,
            DeviceFloats y,
            Mode mode,
            DeviceMemory error) {
        product.clear()
                .pointer(TABLE, table)
                .pointer(OFFSETS, choices.offsets())
                .pointer(ORDER, choices.order())
                .integer(EXPERTS, experts)
                .integer(WHICH, part.code)
                .integer(TOP_K, topK);
        setProduct(x.memory(), y, mode, error, x.columns());
        Variant variant = variant(Math.ceilDiv(y.rows(), experts));
        int tail = Math.min(y.rows(), experts) * (variant.items() - 1);
        launch(variant, (y.rows() + tail) / variant.items(), y.columns());
    }

    private void setProduct(DeviceMemory x, DeviceFloats y, Mode mode, DeviceMemory error, int columns) {
        product.pointer(X, x)
                .pointer(Y, y.memory())
                .pointer(ERROR, error)
                .integer(ITEMS, y.rows())
                .integer(MODE, mode.code)
                .integer(ROWS, y.columns())
                .integer(COLUMNS, columns);
    }

    /** The fastest for so many items of one matrix; what it computes differs by rounding alone. */
    private Variant variant(int items) {
        if (items == 1) {
            return one;
        }
        return items <= 16 ? four : items <= 64 ? some : many;
    }

    private void launch(Variant variant, int tiles, int rows) {
        int wanted = Math.ceilDiv(rows, variant.rows());
        int most = variant.rows() == MATVEC_ROWS
                ? Math.max(1, BLOCKS_PER_MULTIPROCESSOR * multiprocessors / tiles)
                : MOST_BLOCKS;
        KernelArguments arguments = variant.kernel().set(0, product.bytes());
        LaunchShape shape = LaunchShape.of(1, BLOCK).grid(tiles, Math.min(wanted, most), 1);
        arguments.kernel().launch(shape, arguments, stream);
    }
}
