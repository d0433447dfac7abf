package dev.gatun.engine.cuda;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.cuda.CudaStream;

/** The operations of one model, with their kernels loaded and their own memory taken. */
record CudaOperations(
        TokenOperations tokens,
        MatrixProducts products,
        AttentionBlock attention,
        RouterOperation router,
        ExpertsOperation experts,
        CudaCandidateSearch candidates) {
    /** Makes them for up to {@code maxTokens} tokens at once. */
    static CudaOperations prepare(
            CudaResources resources,
            MixtralConfig config,
            CudaWeights weights,
            CudaWorkspace workspace,
            int maxTokens) {
        KernelLibrary kernels = resources.kernels();
        CudaStream stream = resources.stream();
        float epsilon = (float) config.normEpsilon();
        TokenOperations tokens = new TokenOperations(kernels, stream);
        MatrixProducts products = new MatrixProducts(resources, config, tokens, workspace, maxTokens);
        return new CudaOperations(
                tokens,
                products,
                attention(resources, config, workspace, products),
                new RouterOperation(kernels, stream, config.expertsPerToken(), epsilon),
                new ExpertsOperation(resources, products.any(), config, weights, workspace, maxTokens),
                new CudaCandidateSearch(resources, workspace.errors()));
    }

    private static AttentionBlock attention(
            CudaResources resources, MixtralConfig config, CudaWorkspace workspace, MatrixProducts products) {
        HeadShape heads = HeadShape.of(config);
        KernelLibrary kernels = resources.kernels();
        CudaStream stream = resources.stream();
        return new AttentionBlock(
                products,
                new RopeOperation(kernels, stream, resources.arena(), heads, config.ropeTheta()),
                new AttentionOperation(
                        resources,
                        heads,
                        OffloadedExperts.mostAwaited(config),
                        workspace.attention().branch()),
                (float) config.normEpsilon());
    }
}
