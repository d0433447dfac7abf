package dev.gatun.engine.cuda;

import dev.gatun.cuda.KernelArguments;
import dev.gatun.cuda.PinnedBuffer;
import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.FloatType;
import java.util.Optional;

/**
 * The rows [vocabulary, hidden] that tokens begin as, of which a kernel reads a few. Who made the memory frees it, not before
 * graphs that read it are gone.
 */
sealed interface EmbeddingTable {
    FloatType type();

    int rows();

    int columns();

    /** Sets a pointer to the first row, at a multiple of 16 bytes. */
    void set(KernelArguments arguments, int index);

    /** Bytes of pinned host memory. */
    long hostBytes();

    /** In device memory; perhaps it is the head too. */
    record OnDevice(DeviceMatrix.Dense matrix) implements EmbeddingTable {
        @Override
        public FloatType type() {
            return matrix.type();
        }

        @Override
        public int rows() {
            return matrix.rows();
        }

        @Override
        public int columns() {
            return matrix.columns();
        }

        @Override
        public void set(KernelArguments arguments, int index) {
            arguments.set(index, matrix.values());
        }

        @Override
        public long hostBytes() {
            return 0;
        }
    }

    /** In page-locked host memory, where the kernel reads rows over the link; as constant an address as any for graphs. */
    record InHost(FloatType type, int rows, int columns, PinnedBuffer values) implements EmbeddingTable {
        /**
         * Copies a table to host memory, which lives as long as {@code resources}.
         *
         * @return the table, or empty if the system locks no more memory
         * @throws OutOfMemoryError if the system has no such room, locked or not
         */
        static Optional<InHost> load(DenseMatrix table, PieceAllocator pinning, CudaResources resources) {
            long bytes = Math.ceilDiv(table.bytes(), PinnedStore.ALIGNMENT) * PinnedStore.ALIGNMENT;
            Optional<PinnedBuffer> memory =
                    pinning.pinned(bytes).map(resources::remember).flatMap(HostPiece::mapped);
            memory.ifPresent(
                    buffer -> buffer.segment().asSlice(0, table.bytes()).copyFrom(table.values()));
            return memory.map(buffer -> new InHost(table.type(), table.rows(), table.columns(), buffer));
        }

        @Override
        public void set(KernelArguments arguments, int index) {
            arguments.set(index, values);
        }

        @Override
        public long hostBytes() {
            return values.byteSize();
        }
    }
}
