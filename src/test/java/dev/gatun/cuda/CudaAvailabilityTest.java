package dev.gatun.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.bindings.cuda.CudaRuntime;
import dev.gatun.cpu.CpuInfo;
import dev.gatun.cpu.CpuLevel;
import dev.gatun.cpu.CpuPool;
import dev.gatun.natives.NativeLibraryException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Each thing that can be missing has a line of its own, and none of them stops the CPU. */
class CudaAvailabilityTest {
    @Test
    void aBuildWithoutTheRuntimeSaysSo() {
        assertThat(reason(new Machine().without("runtime")))
                .isEqualTo(
                        "this build of Gatun is for the CPU alone, for there was no nvcc: install CUDA 13 and run `make`");
    }

    @Test
    void aRuntimeThatCannotBeLoadedIsNamed() {
        assertThat(reason(new Machine().without("loading"))).isEqualTo("cannot load it");
    }

    @Test
    void noDriverIsToldFromAnOldOne() {
        Machine machine = new Machine();
        machine.code = CudaRuntime.cudaErrorInsufficientDriver();

        assertThat(reason(machine))
                .isEqualTo("no NVIDIA driver is installed: Gatun needs R580 or newer, which has CUDA 13.0");
    }

    @Test
    void anOldDriverIsNamedWithTheOneNeeded() {
        Machine machine = new Machine();
        machine.code = CudaRuntime.cudaErrorInsufficientDriver();
        machine.cuda = 12080;

        assertThat(reason(machine))
                .isEqualTo(
                        "the NVIDIA driver is too old: one with CUDA 12.8; Gatun needs R580 or newer, which has CUDA 13.0");
        machine.driver = Optional.of("570.86.15");
        assertThat(reason(machine)).contains(": 570.86.15, which has CUDA 12.8; ");
    }

    @Test
    void noGpuIsNoGpuHoweverTheDriverPutsIt() {
        Machine machine = new Machine();
        assertThat(reason(machine)).startsWith("the NVIDIA driver finds no GPU: ");
        machine.code = CudaRuntime.cudaErrorNoDevice();
        assertThat(reason(machine)).startsWith("the NVIDIA driver finds no GPU: ");
    }

    @Test
    void anOldGpuIsNamedWithItsCapability() {
        Machine machine = new Machine();
        machine.devices = List.of(gpu(0, "Tesla V100", 7, 0));

        assertThat(reason(machine))
                .isEqualTo("GPU 0 (Tesla V100) has compute capability 7.0: Gatun needs 7.5 or newer, Turing");
    }

    @Test
    void anyOtherFailureIsQuoted() {
        Machine machine = new Machine();
        machine.code = CudaRuntime.cudaErrorSystemNotReady();

        assertThat(reason(machine)).isEqualTo("code 802");
    }

    @Test
    void onlySupportedGpusAreOffered() {
        Machine machine = new Machine();
        machine.devices = List.of(gpu(0, "Tesla P100", 6, 0), gpu(1, "Tesla T4", 7, 5), gpu(2, "H100", 9, 0));

        assertThat(new Detection(machine).run())
                .isEqualTo(new CudaAvailability.Available(machine.devices.subList(1, 3)));
    }

    @Test
    void whateverTheAnswerTheCpuGoesOn() {
        CudaAvailability answer = CudaAvailability.ofThisMachine();

        assertThat(CudaAvailability.ofThisMachine()).isEqualTo(answer);
        if (!Files.exists(Path.of("/proc/driver/nvidia")) && new InstalledCuda().hasRuntime()) {
            assertThat(answer)
                    .isEqualTo(new CudaAvailability.Unavailable(
                            "no NVIDIA driver is installed: Gatun needs R580 or newer, which has CUDA 13.0"));
        }
        try (CpuPool pool = CpuPool.open(1, CpuLevel.available().getFirst());
                Arena arena = Arena.ofConfined()) {
            assertThat(pool.read(arena.allocateFrom(ValueLayout.JAVA_LONG, 5L, 6L)))
                    .isEqualTo(5L ^ 6L);
        }
        assertThat(CpuInfo.ofThisMachine().features()).isNotNull();
    }

    private static String reason(Machine machine) {
        CudaAvailability answer = new Detection(machine).run();
        assertThat(answer).isInstanceOf(CudaAvailability.Unavailable.class);
        return ((CudaAvailability.Unavailable) answer).reason();
    }

    private static CudaDevice gpu(int ordinal, String name, int major, int minor) {
        return new CudaDevice(
                ordinal,
                new DeviceProperties(
                        name,
                        "0000:01:00.0",
                        new ComputeCapability(major, minor),
                        16L << 30,
                        40,
                        4 << 20,
                        65_536,
                        1024,
                        true,
                        true));
    }

    /** A machine with all but a GPU. */
    private static final class Machine implements Detection.Questions {
        private String missing = "";
        private int code = CudaRuntime.cudaSuccess();
        private int cuda;
        private Optional<String> driver = Optional.empty();
        private List<CudaDevice> devices = List.of();

        Machine without(String thing) {
            missing = thing;
            return this;
        }

        @Override
        public boolean hasRuntime() {
            return !missing.equals("runtime");
        }

        @Override
        public void loadRuntime() {
            if (missing.equals("loading")) {
                throw new NativeLibraryException("cannot load it");
            }
        }

        @Override
        public int cudaOfDriver() {
            return cuda;
        }

        @Override
        public Optional<String> driver() {
            return driver;
        }

        @Override
        public int countCode() {
            return code;
        }

        @Override
        public String describe(int failure) {
            return "code " + failure;
        }

        @Override
        public List<CudaDevice> devices() {
            return devices;
        }
    }
}
