/**
 * Gatun: mixture-of-experts language models on GPUs that are too small to hold them.
 *
 * <p>Start at {@code dev.gatun.Model}. The module calls native code: run it with
 * {@code --enable-native-access=dev.gatun}.
 */
module dev.gatun {
    requires info.picocli;
    requires java.net.http;
    requires me.tongfei.progressbar;
    requires tools.jackson.databind;

    exports dev.gatun;
    exports dev.gatun.cuda;

    opens dev.gatun.cli to
            info.picocli;
}
