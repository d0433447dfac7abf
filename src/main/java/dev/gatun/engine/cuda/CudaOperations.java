package dev.gatun.engine.cuda;

import dev.gatun.checkpoint.MixtralConfig;

/** The operations of one model, with their kernels loaded and their own memory taken. */
record CudaOperations(
        TokenOperations tokens,
        MatrixProducts products,
        AttentionBlock attention,
        RouterOperation router,
        ExpertsOperation experts)
        implements AutoCloseable {
    static CudaOperations prepare(CudaResources resources, MixtralConfig config, CudaWeights weights) {
        KernelLibrary kernels = resources.kernels();
        HeadShape heads = HeadShape.of(config);
        float epsilon = (float) config.normEpsilon();
        TokenOperations tokens = new TokenOperations(kernels, resources.stream());
        MatrixProducts products = new MatrixProducts(kernels, resources.stream());
        return new CudaOperations(
                tokens,
                products,
                new AttentionBlock(
                        tokens,
                        products,
                        new RopeOperation(
                                kernels, resources.stream(), resources.arena(), heads, config.ropeTheta()),
                        new AttentionOperation(kernels, resources.stream(), resources.arena(), heads),
                        epsilon),
                new RouterOperation(kernels, resources.stream(), config.expertsPerToken(), epsilon),
                new ExpertsOperation(
                        kernels,
                        resources.stream(),
                        resources.arena(),
                        weights,
                        config.experts(),
                        config.expertsPerToken()));
    }

    @Override
    public void close() {
        experts.close();
    }
}
