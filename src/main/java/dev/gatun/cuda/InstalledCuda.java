package dev.gatun.cuda;

import dev.gatun.bindings.cuda.CudaRuntime;
import dev.gatun.natives.NativeLibraries;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.ToIntFunction;

/** What is installed here: the questions that {@link Detection} asks, put to the runtime library. */
final class InstalledCuda implements Detection.Questions {
    private static final Path DRIVER = Path.of("/sys/module/nvidia/version");

    @Override
    public boolean hasRuntime() {
        return NativeLibraries.isPresent(LinkedRuntime.FILE);
    }

    @Override
    public void loadRuntime() {
        LinkedRuntime.require();
    }

    @Override
    public int cudaOfDriver() {
        return ask(CudaRuntime::cudaDriverGetVersion, "asking for the driver's version");
    }

    @Override
    public Optional<String> driver() {
        try {
            return Optional.of(Files.readString(DRIVER).strip());
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    @Override
    public int countCode() {
        try (Arena arena = Arena.ofConfined()) {
            return CudaRuntime.cudaGetDeviceCount(arena.allocate(ValueLayout.JAVA_INT));
        }
    }

    @Override
    public String describe(int code) {
        return CudaException.of(code, "counting the GPUs").getMessage();
    }

    @Override
    public List<CudaDevice> devices() {
        return CudaDevice.list();
    }

    private static int ask(ToIntFunction<MemorySegment> question, String operation) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment answer = arena.allocate(ValueLayout.JAVA_INT);
            CudaException.check(question.applyAsInt(answer), operation);
            return answer.get(ValueLayout.JAVA_INT, 0);
        }
    }
}
