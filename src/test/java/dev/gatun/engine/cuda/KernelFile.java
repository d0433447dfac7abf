package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaException;
import dev.gatun.cuda.CudaKernel;
import dev.gatun.cuda.CudaModule;
import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.cuda.LaunchShape;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** The kernels of some files of kernels/ on the first GPU, and the memory that the launches of one case work on. */
final class KernelFile implements AutoCloseable {
    private final CudaDevice device = CudaDevice.open(0);
    private final CudaStream stream;
    private final List<CudaModule> modules = new ArrayList<>();
    private final List<Region> regions = new ArrayList<>();
    private final List<Region> scratch = new ArrayList<>();

    KernelFile(String... names) {
        List<byte[]> images = new ArrayList<>();
        for (String name : names) {
            images.add(read(name + ".fatbin"));
        }
        stream = CudaStream.open(device);
        images.forEach(image -> modules.add(CudaModule.load(device, image)));
    }

    private static byte[] read(String file) {
        try (InputStream image = KernelFile.class.getResourceAsStream("/dev/gatun/natives/kernels/" + file)) {
            if (image == null) {
                System.out.println("Skipped: this build has no " + file);
                return abort("this build has no " + file);
            }
            return image.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    int multiprocessors() {
        return device.properties().multiprocessors();
    }

    Region input(MemorySegment content) {
        return add(new Region(device, content, true));
    }

    Region input(float... content) {
        return input(segment(content));
    }

    Region input(int... content) {
        return input(MemorySegment.ofArray(content));
    }

    Region inputHalves(short... content) {
        return input(MemorySegment.ofArray(content));
    }

    /** Memory to be written, all bits of which are set before. */
    Region output(long bytes) {
        return output(Arena.ofAuto().allocate(bytes).fill((byte) -1));
    }

    /** Memory that means nothing when the launches are done: guarded, but not compared. */
    Region scratch(long bytes) {
        Region region = output(bytes);
        scratch.add(region);
        return region;
    }

    Region outputFloats(long count) {
        return output(count * Float.BYTES);
    }

    Region outputInts(long count) {
        return output(count * Integer.BYTES);
    }

    /** Memory to be read and written. */
    Region output(MemorySegment before) {
        return add(new Region(device, before, false));
    }

    Region output(float... before) {
        return output(segment(before));
    }

    /** An error word, counters. */
    Region zeros(int count) {
        return output(MemorySegment.ofArray(new int[count]));
    }

    private static MemorySegment segment(float... values) {
        return MemorySegment.ofArray(values);
    }

    private Region add(Region region) {
        regions.add(region);
        return region;
    }

    /** Addresses of regions; null for what is not there. */
    Region addresses(Region... targets) {
        MemorySegment table = Arena.ofAuto().allocate(Math.max(1, targets.length) * 8L, 8);
        for (int i = 0; i < targets.length; i++) {
            if (targets[i] != null) {
                targets[i].storeAddress(table, 8L * i);
            }
        }
        return input(table);
    }

    /** Runs launches twice on the same memory: guards and inputs must stay as they are, the bits of all outputs the same. */
    void twice(Runnable launches) {
        List<MemorySegment> first = once(launches);
        List<MemorySegment> second = once(launches);
        for (int i = 0; i < first.size(); i++) {
            assertThat(first.get(i).mismatch(second.get(i)))
                    .as("first byte that differs between two runs, region " + i)
                    .isEqualTo(-1);
        }
    }

    List<MemorySegment> once(Runnable launches) {
        regions.forEach(region -> region.reset(stream));
        launches.run();
        stream.synchronize();
        regions.forEach(region -> region.fetch(stream));
        return regions.stream()
                .filter(region -> !scratch.contains(region))
                .map(Region::bytes)
                .toList();
    }

    /** A launch whose result is all that is wanted; see {@link #twice}. */
    void run(String kernel, LaunchShape shape, Object... arguments) {
        twice(() -> launch(kernel, shape, arguments));
    }

    /** Arguments are regions, null pointers, numbers and structs. */
    void launch(String name, LaunchShape shape, Object... arguments) {
        CudaKernel kernel = find(name);
        try (KernelArguments set = kernel.newArguments()) {
            assertThat(arguments).as("arguments of " + name).hasSameSizeAs(kernel.parameterSizes());
            for (int i = 0; i < arguments.length; i++) {
                switch (arguments[i]) {
                    case null -> set.setNull(i);
                    case Region region -> set.set(i, region.memory());
                    case MemorySegment struct -> set.set(i, struct);
                    case Integer number -> set.set(i, number.intValue());
                    case Long number -> set.set(i, number.longValue());
                    case Float number -> set.set(i, number.floatValue());
                    case Double number -> set.set(i, number.doubleValue());
                    default -> throw new IllegalArgumentException("argument " + i + ": " + arguments[i]);
                }
            }
            kernel.launch(shape, set, stream);
        }
    }

    /** The blocks of a kernel that are resident together. */
    int residentBlocks(String name, int threads, int sharedMemory) {
        return multiprocessors() * find(name).blocksPerMultiprocessor(threads, sharedMemory);
    }

    private CudaKernel find(String name) {
        for (CudaModule module : modules.subList(0, modules.size() - 1)) {
            try {
                return module.kernel(name);
            } catch (CudaException notHere) {
                // The last one says so.
            }
        }
        return modules.getLast().kernel(name);
    }

    /** Ends a case. */
    void clear() {
        regions.forEach(Region::close);
        regions.clear();
        scratch.clear();
    }

    @Override
    public void close() {
        clear();
        modules.forEach(CudaModule::close);
        stream.close();
    }
}
