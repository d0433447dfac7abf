package dev.gatun.cuda;

/**
 * How many threads run a kernel, and with how much shared memory. Limits of the device are checked at the launch.
 *
 * @param gridX blocks, in three directions
 * @param gridY blocks
 * @param gridZ blocks
 * @param blockX threads of a block, in three directions
 * @param blockY threads of a block
 * @param blockZ threads of a block
 * @param dynamicSharedMemory bytes of shared memory that each block gets beside what the kernel declares
 * @param isCooperative whether all blocks run at once, so that the kernel may wait for all of them
 */
public record LaunchShape(
        int gridX,
        int gridY,
        int gridZ,
        int blockX,
        int blockY,
        int blockZ,
        int dynamicSharedMemory,
        boolean isCooperative) {

    /** @throws IllegalArgumentException unless all sizes are positive, and the shared memory is not negative */
    public LaunchShape {
        Check.positive("gridX", gridX);
        Check.positive("gridY", gridY);
        Check.positive("gridZ", gridZ);
        Check.positive("blockX", blockX);
        Check.positive("blockY", blockY);
        Check.positive("blockZ", blockZ);
        if (dynamicSharedMemory < 0) {
            throw new IllegalArgumentException("dynamicSharedMemory must not be negative: " + dynamicSharedMemory);
        }
    }

    /** So many blocks of so many threads. */
    public static LaunchShape of(int blocks, int threads) {
        return new LaunchShape(blocks, 1, 1, threads, 1, 1, 0, false);
    }

    /** The fewest blocks of so many threads that give at least one thread to each of {@code items}. */
    public static LaunchShape covering(long items, int threads) {
        return of(Math.toIntExact(Math.ceilDiv(items, threads)), threads);
    }

    /** The same with another grid. */
    public LaunchShape grid(int x, int y, int z) {
        return new LaunchShape(x, y, z, blockX, blockY, blockZ, dynamicSharedMemory, isCooperative);
    }

    /** The same with other blocks. */
    public LaunchShape block(int x, int y, int z) {
        return new LaunchShape(gridX, gridY, gridZ, x, y, z, dynamicSharedMemory, isCooperative);
    }

    /** The same with so many bytes of dynamic shared memory for each block. */
    public LaunchShape sharing(int bytes) {
        return new LaunchShape(gridX, gridY, gridZ, blockX, blockY, blockZ, bytes, isCooperative);
    }

    /** The same, with all blocks running at once. */
    public LaunchShape cooperative() {
        return new LaunchShape(gridX, gridY, gridZ, blockX, blockY, blockZ, dynamicSharedMemory, true);
    }

    /** Grid, block and the rest: {@code "grid 64x1x1, block 256x1x1, 1024 bytes shared"}. */
    @Override
    public String toString() {
        return "grid " + gridX + "x" + gridY + "x" + gridZ + ", block " + blockX + "x" + blockY + "x" + blockZ
                + (dynamicSharedMemory > 0 ? ", " + dynamicSharedMemory + " bytes shared" : "")
                + (isCooperative ? ", cooperative" : "");
    }
}
