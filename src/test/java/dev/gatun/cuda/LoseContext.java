package dev.gatun.cuda;

/** A program for child JVMs: runs a kernel that writes where no memory is, and prints what CUDA says from then on. */
final class LoseContext {
    private LoseContext() {}

    public static void main(String[] ignored) {
        CudaDevice device = CudaDevice.open(0);
        CudaStream stream = CudaStream.open(device);
        CudaKernel fault = TestKernels.load(device).kernel("fault");
        fault.launch(LaunchShape.of(1, 1), fault.newArguments(), stream);
        print(stream::synchronize);
        print(() -> DeviceBuffer.allocate(device, 16));
        print(stream::close);
    }

    private static void print(Runnable call) {
        try {
            call.run();
            System.out.println("no error");
        } catch (CudaException e) {
            System.out.println(e.isContextLost() + " " + e.getMessage());
        }
    }
}
