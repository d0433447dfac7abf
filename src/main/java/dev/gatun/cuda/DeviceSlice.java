package dev.gatun.cuda;

/** A view of some bytes of a {@link DeviceBuffer}. It owns nothing: it is of use as long as the buffer is open. */
public final class DeviceSlice extends DeviceMemory {
    private final DeviceBuffer buffer;
    private final long start;

    DeviceSlice(DeviceBuffer buffer, long start, long byteSize) {
        super(byteSize);
        this.buffer = buffer;
        this.start = start;
    }

    @Override
    DeviceBuffer buffer() {
        return buffer;
    }

    @Override
    long start() {
        return start;
    }

    @Override
    public String toString() {
        return byteSize() + " bytes from offset " + start + " of " + buffer;
    }
}
