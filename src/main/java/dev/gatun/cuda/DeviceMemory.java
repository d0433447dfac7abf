package dev.gatun.cuda;

import dev.gatun.bindings.cuda.CudaRuntime;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Bytes in a GPU's memory: a {@link DeviceBuffer}, or a {@link DeviceSlice} of one.
 *
 * <p>Filling and copying are put into a stream and allocate nothing; only {@link #upload} and {@link #download} wait.
 * Offsets and sizes are in bytes. All methods throw {@link IllegalStateException} if a buffer or the stream is closed,
 * {@link IndexOutOfBoundsException} for a range that is not inside both memories, and {@link IllegalArgumentException} if
 * memory and stream belong to two devices.
 */
public abstract sealed class DeviceMemory permits DeviceBuffer, DeviceSlice {
    private final long byteSize;

    DeviceMemory(long byteSize) {
        this.byteSize = byteSize;
    }

    /** The buffer that owns the bytes. */
    abstract DeviceBuffer buffer();

    /** Where they begin in it. */
    abstract long start();

    /** Bytes. */
    public final long byteSize() {
        return byteSize;
    }

    /** The device that the bytes are on. */
    public final CudaDevice device() {
        return buffer().owner();
    }

    /** Whether the buffer that owns the bytes was not closed. */
    public final boolean isOpen() {
        return buffer().resource().lifetime().isOpen();
    }

    /** A view of some of the bytes, which owns nothing. */
    public final DeviceSlice slice(long offset, long bytes) {
        Check.range("the device memory", offset, bytes, byteSize);
        return new DeviceSlice(buffer(), start() + offset, bytes);
    }

    /** Sets all bytes to zero. */
    public final void zero(CudaStream stream) {
        fill((byte) 0, stream);
    }

    /** Sets all bytes to a value. */
    public final void fill(byte value, CudaStream stream) {
        enter(stream);
        try {
            int code = CudaRuntime.cudaMemsetAsync(at(0), value, byteSize, stream.handle());
            if (code != CudaRuntime.cudaSuccess()) {
                throw CudaException.of(code, "filling " + byteSize + " bytes of device memory");
            }
        } finally {
            exit(stream);
        }
    }

    /** Copies from host memory: {@code bytes} from {@code sourceOffset} of the source to {@code offset} of this. */
    public final void copyFrom(long offset, PinnedBuffer source, long sourceOffset, long bytes, CudaStream stream) {
        Check.range("the device memory", offset, bytes, byteSize);
        Check.range("the pinned memory", sourceOffset, bytes, source.byteSize());
        enter(source.resource(), stream);
        try {
            copy(at(offset), source.at(sourceOffset), bytes, CudaRuntime.cudaMemcpyHostToDevice(), stream);
        } finally {
            exit(source.resource(), stream);
        }
    }

    /** Copies to host memory: {@code bytes} from {@code offset} of this to {@code targetOffset} of the target. */
    public final void copyTo(long offset, PinnedBuffer target, long targetOffset, long bytes, CudaStream stream) {
        Check.range("the device memory", offset, bytes, byteSize);
        Check.range("the pinned memory", targetOffset, bytes, target.byteSize());
        enter(target.resource(), stream);
        try {
            copy(target.at(targetOffset), at(offset), bytes, CudaRuntime.cudaMemcpyDeviceToHost(), stream);
        } finally {
            exit(target.resource(), stream);
        }
    }

    /**
     * Copies inside the device: {@code bytes} from {@code sourceOffset} of the source to {@code offset} of this.
     *
     * @throws IllegalArgumentException if the two ranges overlap
     */
    public final void copyFrom(long offset, DeviceMemory source, long sourceOffset, long bytes, CudaStream stream) {
        Check.range("the device memory", offset, bytes, byteSize);
        Check.range("the source", sourceOffset, bytes, source.byteSize);
        requireDisjoint(offset, bytes, source, sourceOffset, bytes);
        enter(source, stream);
        try {
            copy(at(offset), source.at(sourceOffset), bytes, CudaRuntime.cudaMemcpyDeviceToDevice(), stream);
        } finally {
            exit(source.buffer().resource(), stream);
        }
    }

    /**
     * Copies rows from host memory, and leaves what lies between them as it is.
     *
     * @param to where the rows go in this memory
     * @param from where they lie in the source
     * @param rowBytes bytes of each row, from 1 to the smaller pitch
     * @param count rows, at least 1
     * @throws IllegalArgumentException also if a row is larger than a pitch
     */
    public final void copyRowsFrom(
            Rows to, PinnedBuffer source, Rows from, long rowBytes, long count, CudaStream stream) {
        to.requireInside("the device memory", rowBytes, count, byteSize);
        from.requireInside("the pinned memory", rowBytes, count, source.byteSize());
        enter(source.resource(), stream);
        try {
            int kind = CudaRuntime.cudaMemcpyHostToDevice();
            copyRows(to, source.at(from.offset()), from.pitch(), rowBytes, count, kind, stream);
        } finally {
            exit(source.resource(), stream);
        }
    }

    /**
     * Copies rows inside the device, and leaves what lies between them as it is.
     *
     * @param to where the rows go in this memory
     * @param from where they lie in the source
     * @param rowBytes bytes of each row, from 1 to the smaller pitch
     * @param count rows, at least 1
     * @throws IllegalArgumentException also if a row is larger than a pitch, or if the range from the first row to the
     *     end of the last overlaps that of the source, even where no two rows do
     */
    public final void copyRowsFrom(
            Rows to, DeviceMemory source, Rows from, long rowBytes, long count, CudaStream stream) {
        to.requireInside("the device memory", rowBytes, count, byteSize);
        from.requireInside("the source", rowBytes, count, source.byteSize);
        requireDisjoint(to.offset(), to.span(rowBytes, count), source, from.offset(), from.span(rowBytes, count));
        enter(source, stream);
        try {
            int kind = CudaRuntime.cudaMemcpyDeviceToDevice();
            copyRows(to, source.at(from.offset()), from.pitch(), rowBytes, count, kind, stream);
        } finally {
            exit(source.buffer().resource(), stream);
        }
    }

    /** Throws if a range of this memory and one of the source share a byte. */
    private void requireDisjoint(long offset, long bytes, DeviceMemory source, long sourceOffset, long sourceBytes) {
        if (buffer() == source.buffer()) {
            Check.disjoint(start() + offset, bytes, source.start() + sourceOffset, sourceBytes);
        }
    }

    /**
     * Copies all of a segment to {@code offset}, in the stream's order, and waits until that is done. Slower than copies
     * of pinned memory.
     *
     * @param source memory outside the heap, which stays alive until the call returns
     * @throws IllegalStateException also if the stream is captured into a graph
     */
    public final void upload(long offset, MemorySegment source, CudaStream stream) {
        long bytes = source.byteSize();
        Check.range("the device memory", offset, bytes, byteSize);
        requireNative(source);
        enter(stream);
        try {
            stream.requireNotCaptured();
            copy(at(offset), source, bytes, CudaRuntime.cudaMemcpyHostToDevice(), stream);
            stream.synchronizeEntered("copy of " + bytes + " bytes to the device");
        } finally {
            exit(stream);
        }
    }

    /**
     * Fills a segment with the bytes from {@code offset} on, in the stream's order, and waits until that is done. Slower
     * than copies to pinned memory.
     *
     * @param target memory outside the heap, which stays alive until the call returns
     * @throws IllegalStateException also if the stream is captured into a graph
     */
    public final void download(long offset, MemorySegment target, CudaStream stream) {
        long bytes = target.byteSize();
        Check.range("the device memory", offset, bytes, byteSize);
        requireNative(target);
        if (target.isReadOnly()) {
            throw new IllegalArgumentException("the target is a read-only segment");
        }
        enter(stream);
        try {
            stream.requireNotCaptured();
            copy(target, at(offset), bytes, CudaRuntime.cudaMemcpyDeviceToHost(), stream);
            stream.synchronizeEntered("copy of " + bytes + " bytes to the host");
        } finally {
            exit(stream);
        }
    }

    private static void requireNative(MemorySegment segment) {
        if (!segment.isNative()) {
            throw new IllegalArgumentException("the segment lies on the Java heap: copies need an arena's memory");
        }
    }

    /**
     * Writes the device's address of byte {@code offset} of this memory to a table, as the 8 bytes of a pointer that
     * kernels can follow. The buffer must outlive the kernels that do: a table does not keep it open.
     *
     * @param table memory for pointers
     * @param tableOffset where in the table, in bytes
     */
    public final void storeAddress(long offset, MemorySegment table, long tableOffset) {
        Check.range("the device memory", offset, 0, byteSize);
        buffer().resource().lifetime().requireOpen();
        table.set(ValueLayout.JAVA_LONG_UNALIGNED, tableOffset, address() + offset);
    }

    private static void copy(MemorySegment to, MemorySegment from, long bytes, int kind, CudaStream stream) {
        int code = CudaRuntime.cudaMemcpyAsync(to, from, bytes, kind, stream.handle());
        if (code != CudaRuntime.cudaSuccess()) {
            throw CudaException.of(code, "copy of " + bytes + " bytes " + direction(kind));
        }
    }

    private void copyRows(
            Rows to, MemorySegment from, long fromPitch, long rowBytes, long count, int kind, CudaStream stream) {
        int code = CudaRuntime.cudaMemcpy2DAsync(
                at(to.offset()), to.pitch(), from, fromPitch, rowBytes, count, kind, stream.handle());
        if (code != CudaRuntime.cudaSuccess()) {
            throw CudaException.of(code, "copy of " + count + " rows of " + rowBytes + " bytes " + direction(kind));
        }
    }

    private static String direction(int kind) {
        if (kind == CudaRuntime.cudaMemcpyHostToDevice()) {
            return "to the device";
        }
        return kind == CudaRuntime.cudaMemcpyDeviceToHost() ? "to the host" : "inside the device";
    }

    /** Begins a call that puts work on these bytes into a stream. */
    final void enter(CudaStream stream) {
        Check.sameDevice("the device memory", device(), stream.device());
        stream.enter();
        try {
            buffer().resource().enter(stream);
        } catch (RuntimeException | Error e) {
            stream.exit();
            throw e;
        }
    }

    /** Begins a copy from another device memory. */
    private void enter(DeviceMemory source, CudaStream stream) {
        Check.sameDevice("the source", source.device(), stream.device());
        enter(source.buffer().resource(), stream);
    }

    /** Begins a copy between these bytes and other memory, which the stream's device can reach. */
    private void enter(Resource other, CudaStream stream) {
        enter(stream);
        try {
            other.enter(stream);
        } catch (RuntimeException | Error e) {
            exit(stream);
            throw e;
        }
    }

    private void exit(Resource other, CudaStream stream) {
        other.exit();
        exit(stream);
    }

    final void exit(CudaStream stream) {
        buffer().resource().exit();
        stream.exit();
    }

    /** The device's address of the first byte. */
    final long address() {
        return buffer().base() + start();
    }

    private MemorySegment at(long offset) {
        return MemorySegment.ofAddress(address() + offset);
    }
}
