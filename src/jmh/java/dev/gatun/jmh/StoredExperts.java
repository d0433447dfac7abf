package dev.gatun.jmh;

import dev.gatun.engine.cpu.NativeTiler;
import dev.gatun.offload.ExpertSource;
import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.HqqMatrix;
import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.MatrixTiler;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Random experts of Mixtral 8x7B in a temporary file, their matrices as a checkpoint has them, mapped and tiled when asked
 * for. All layers share a few experts. Closing deletes the file.
 */
final class StoredExperts implements ExpertSource, AutoCloseable {
    private static final HqqScheme SCHEME = new HqqScheme(2, 16, 128);
    private static final int HIDDEN = 4096;
    private static final int INTERMEDIATE = 14_336;

    private static final long WEIGHTS = (long) HIDDEN * INTERMEDIATE;
    private static final long GROUPS = WEIGHTS / 16;
    private static final long HALVES = GROUPS / 128 * Short.BYTES;
    private static final long CODES = WEIGHTS / 4;
    private static final long MATRIX_BYTES = CODES + 2 * GROUPS + 2 * HALVES;

    private final Path file;
    private final Arena arena;
    private final MemorySegment bytes;
    private final List<List<HqqMatrix>> experts;
    private final ExpertBlock block;
    private final MatrixTiler tiler = NativeTiler.orJava();

    private StoredExperts(Path file, Arena arena, MemorySegment bytes, int count) {
        this.file = file;
        this.arena = arena;
        this.bytes = bytes;
        this.experts = new ArrayList<>();
        long at = 0;
        for (int expert = 0; expert < count; expert++) {
            List<HqqMatrix> matrices = new ArrayList<>();
            for (int part = 0; part < 3; part++) {
                matrices.add(matrix(part, at));
                at += MATRIX_BYTES;
            }
            experts.add(matrices);
        }
        List<HqqMatrix> first = experts.getFirst();
        this.block = ExpertBlock.of(first.get(0), first.get(1), first.get(2)).orElseThrow();
    }

    /** Writes so many experts and maps them. */
    @SuppressWarnings("MustBeClosedChecker") // closed below on failure, otherwise with the experts
    static StoredExperts write(int count) throws IOException {
        Path file = Files.createTempFile("gatun-experts", ".bin");
        Arena arena = Arena.ofShared();
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            long size = 3L * count * MATRIX_BYTES;
            fill(channel.map(FileChannel.MapMode.READ_WRITE, 0, size, arena), count);
            MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
            return new StoredExperts(file, arena, mapped, count);
        } catch (IOException | RuntimeException | Error failure) {
            arena.close();
            throw failure;
        }
    }

    private static void fill(MemorySegment target, int count) {
        SplittableRandom random = new SplittableRandom(1);
        for (long i = 0; i < target.byteSize() / Long.BYTES; i++) {
            target.setAtIndex(ValueLayout.JAVA_LONG, i, random.nextLong());
        }
        for (int matrix = 0; matrix < 3 * count; matrix++) {
            long scales = matrix * MATRIX_BYTES + CODES + 2 * GROUPS;
            halves(target.asSlice(scales, HALVES), random, 1e-5f, 1e-4f);
            halves(target.asSlice(scales + HALVES, HALVES), random, -100, 0);
        }
    }

    private static void halves(MemorySegment target, SplittableRandom random, float low, float high) {
        for (long i = 0; i < target.byteSize() / Short.BYTES; i++) {
            target.setAtIndex(ValueLayout.JAVA_SHORT, i, Float.floatToFloat16((float) random.nextDouble(low, high)));
        }
    }

    /** Gate, up and down are parts 0 to 2. */
    private HqqMatrix matrix(int part, long at) {
        int rows = part == 2 ? HIDDEN : INTERMEDIATE;
        long scales = at + CODES + 2 * GROUPS;
        return new HqqMatrix(
                SCHEME,
                rows,
                HIDDEN + INTERMEDIATE - rows,
                bytes.asSlice(at, CODES),
                bytes.asSlice(at + CODES, GROUPS),
                bytes.asSlice(scales, HALVES),
                bytes.asSlice(scales + HALVES, HALVES),
                bytes.asSlice(at + CODES + GROUPS, GROUPS),
                1 / 255f,
                0);
    }

    /** Bytes of an expert in the file. */
    long bytesInFile() {
        return 3 * MATRIX_BYTES;
    }

    /** An expert as it lies there. */
    MemorySegment inFile(int expert) {
        return bytes.asSlice(expert % experts.size() * bytesInFile(), bytesInFile());
    }

    @Override
    public ExpertBlock block() {
        return block;
    }

    @Override
    public void write(int layer, int expert, MemorySegment target) {
        List<HqqMatrix> matrices = experts.get(expert % experts.size());
        block.tile(tiler, matrices.get(0), matrices.get(1), matrices.get(2), target);
    }

    @Override
    public void close() throws IOException {
        arena.close();
        Files.delete(file);
    }
}
