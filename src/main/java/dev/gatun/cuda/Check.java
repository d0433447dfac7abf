package dev.gatun.cuda;

/** The checks that stand between a caller and the driver; each names what is wrong and both of the values. */
final class Check {
    private Check() {}

    static void positive(String name, long value) {
        if (value <= 0) {
            throw new IllegalArgumentException(name + " must be positive: " + value);
        }
    }

    /** Throws unless the range lies in memory of that size. */
    static void range(String name, long offset, long bytes, long size) {
        if ((offset | bytes) < 0 || offset > size - bytes) {
            throw new IndexOutOfBoundsException(
                    name + " has " + size + " bytes: " + bytes + " from offset " + offset + " are out of bounds");
        }
    }

    /** Throws if two ranges inside one buffer share a byte. Both are empty, or neither is. */
    static void disjoint(long offset, long bytes, long otherOffset, long otherBytes) {
        if (offset < otherOffset + otherBytes && otherOffset < offset + bytes) {
            throw new IllegalArgumentException("the ranges overlap: " + bytes + " bytes from offset " + offset + " and "
                    + otherBytes + " from offset " + otherOffset + " of one buffer");
        }
    }

    /** Throws unless a stream is of the device that something is on. */
    static void sameDevice(String name, CudaDevice device, CudaDevice ofStream) {
        if (!device.equals(ofStream)) {
            throw new IllegalArgumentException(
                    name + " is on " + device + ", the stream on " + ofStream + ": they must be the same");
        }
    }
}
