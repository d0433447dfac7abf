package dev.gatun.checkpoint;

import static dev.gatun.checkpoint.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.quant.FloatType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Configurations: what is read from them, and what is refused aloud. */
class BadConfigTest {
    private static final MixtralConfig SMALL = TinyCheckpoints.smallConfig();

    @TempDir
    Path folder;

    private String original;

    @BeforeEach
    void writeGoodModel() throws IOException {
        CheckpointWriter.writeHuggingFace(folder, SMALL, TinyCheckpoints.dense(SMALL, FloatType.F32, 1), 1);
        original = Files.readString(config());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '^',
            value = {
                "'hidden_size': 16            | 'hidden_size': 0                | hidden_size must be from 1 to 1048576, but is 0",
                "'hidden_size': 16            | 'hidden_size': -16              | hidden_size must be from 1",
                "'hidden_size': 16            | 'hidden_size': 9999999999       | `hidden_size` must be a whole number below 2^31",
                "'hidden_size': 16            | 'hidden_size': 16.0             | `hidden_size` must be a whole number",
                "'hidden_size': 16            | 'hidden_size': '16'             | `hidden_size` must be a whole number",
                "'hidden_size': 16,           |                                 | has no `hidden_size`",
                "'hidden_size': 16            | 'hidden_size': null             | has no `hidden_size`",
                "'intermediate_size': 24      | 'intermediate_size': 2000000    | intermediate_size must be from 1",
                "'num_hidden_layers': 2       | 'num_hidden_layers': 1025       | num_hidden_layers must be from 1 to 1024",
                "'num_attention_heads': 4     | 'num_attention_heads': 0        | num_attention_heads must be from 1",
                "'num_key_value_heads': 2     | 'num_key_value_heads': 3        | is not a multiple of num_key_value_heads, 3",
                "'num_key_value_heads': 2     | 'num_key_value_heads': 8        | num_key_value_heads must be from 1 to 4",
                "'head_dim': 8                | 'head_dim': 7                   | head_dim must be even, but is 7",
                "'head_dim': 8,               | 'num_attention_heads': 3,       | Duplicate",
                "'num_local_experts': 3       | 'num_local_experts': 1025       | num_local_experts must be from 1 to 1024",
                "'num_experts_per_tok': 2     | 'num_experts_per_tok': 4        | num_experts_per_tok must be from 1 to 3",
                "'vocab_size': 40             | 'vocab_size': 0                 | vocab_size must be from 1",
                "'max_position_embeddings': 64 | 'max_position_embeddings': 0   | max_position_embeddings must be from 1",
                "'rms_norm_eps': 1.0E-5       | 'rms_norm_eps': 0               | rms_norm_eps must be a positive float32 number",
                "'rms_norm_eps': 1.0E-5       | 'rms_norm_eps': 1e400           | rms_norm_eps must be a positive float32 number",
                "'rms_norm_eps': 1.0E-5       | 'rms_norm_eps': NaN             | not valid JSON",
                "'intermediate_size': 24      | 'intermediate_size': []         | `intermediate_size` must be a whole number",
                "'bos_token_id': 1            | 'rope_parameters': 7            | `rope_parameters` must be an object, but is `7`",
                "'rope_theta': 1000000.0      | 'rope_theta': -1                | rope_theta must be a positive float32 number",
                "'rope_theta': 1000000.0      | 'rope_theta': true              | `rope_theta` must be a number",
                "'sliding_window': null       | 'sliding_window': 0             | sliding_window must be from 1",
                "'sliding_window': null       | 'sliding_window': 'x'           | `sliding_window` must be a whole number",
                "'tie_word_embeddings': false | 'tie_word_embeddings': 0        | `tie_word_embeddings` must be true or false",
                "'hidden_act': 'silu'         | 'hidden_act': 'gelu'            | `hidden_act` is `gelu`; Gatun computes `silu` alone",
                "'bos_token_id': 1            | 'attention_bias': true          | `attention_bias` is set",
                "'bos_token_id': 1            | 'partial_rotary_factor': 0.5    | `partial_rotary_factor` is not 1",
                "'bos_token_id': 1            | 'rope_scaling': {'type': 'linear', 'factor': 2} | of the type `linear`",
                "'bos_token_id': 1            | 'rope_scaling': {'rope_type': 'yarn'} | of the type `yarn`",
                "'bos_token_id': 1            | 'rope_scaling': {'factor': 2}   | has a scaling factor",
                "'bos_token_id': 1            | 'rope_parameters': {'rope_type': 'llama3'} | of the type `llama3`",
                "'bos_token_id': 1            | 'rope_parameters': {'rope_theta': 5} | `rope_theta` is 1000000.0, but `rope_parameters.rope_theta` is 5.0",
                "'bos_token_id': 1            | 'rope_parameters': {'rope_theta': 'x'} | `rope_parameters.rope_theta` must be a number",
                "'bos_token_id': 1            | 'quantization_config': {'quant_method': 'gptq'} | quantized by `gptq`: Gatun reads",
                "'bos_token_id': 1            | 'bos_token_id': 40              | `bos_token_id` is 40, but the vocabulary has 40",
                "'eos_token_id': 2            | 'eos_token_id': -2              | `eos_token_id` is out of its range: -2",
                "'eos_token_id': 2            | 'eos_token_id': [2, 'x']        | `eos_token_id` must be a whole number",
                "'MixtralForCausalLM'         | 'Qwen3MoeForCausalLM'           | the model is a `Qwen3MoeForCausalLM`: Gatun reads",
                "'model_type': 'mixtral'      | 'model_type': 'llama'           | the model is a `llama`: Gatun reads Mixtral",
                "'model_type': 'mixtral'      | 'model_type': 7                 | `model_type` must be a string",
                "['MixtralForCausalLM']       | 7                               | `architectures` must be a list of strings",
                "'architectures': ['MixtralForCausalLM'], 'model_type': 'mixtral', | | has no `model_type`: Gatun reads",
            })
    void aWrongConfigIsRefused(String good, String bad, String complaint) throws IOException {
        edit(good, bad == null ? "" : bad);
        assertRefused(folder).contains("config.json", complaint);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '^',
            value = {
                "[]     | not a JSON object",
                "^^     | not a JSON object",
                "{'a':  | not valid JSON",
                "{} {}  | not valid JSON",
                "{}     | has no `model_type`",
            })
    void aConfigThatIsNoObjectIsRefused(String text, String complaint) throws IOException {
        Files.writeString(config(), text.replace('\'', '"'));
        assertRefused(folder).contains("config.json", complaint);
    }

    @Test
    void aHeadSizeThatCannotBeDerivedIsRefused() throws IOException {
        original = original.replace("\"head_dim\": 8,", "");
        edit("'num_attention_heads': 4", "'num_attention_heads': 3");
        assertRefused(folder)
                .contains(
                        "config.json", "hidden_size, 16, is not a multiple of num_attention_heads, 3, and there is no");
    }

    @Test
    void aConfigContradictingTheShapesNamesBoth() throws IOException {
        edit("'vocab_size': 40", "'vocab_size': 41");
        assertRefused(folder)
                .contains(
                        "tensor `model.embed_tokens.weight` has the shape [40, 16], but config.json asks for [41, 16]");
    }

    @Test
    void moreLayersThanTheWeightsHaveAreMissing() throws IOException {
        edit("'num_hidden_layers': 2", "'num_hidden_layers': 3");
        assertRefused(folder).contains("tensor `model.layers.2.input_layernorm.weight` is missing");
    }

    @Test
    void fewerLayersThanTheWeightsHaveLeaveSurplusOnes() throws IOException {
        edit("'num_hidden_layers': 2", "'num_hidden_layers': 1");
        assertRefused(folder).contains("tensor `model.layers.1.", "(and 15 more)", "is not part of a Mixtral");
    }

    @Test
    void aHeadThatIsNotTheEmbeddingsContradictsTies() throws IOException {
        edit("'tie_word_embeddings': false", "'tie_word_embeddings': true");
        assertRefused(folder).contains("tensor `lm_head.weight` differs from the embeddings");
    }

    @Test
    void ropeMayBeWrittenInEveryPlainForm() throws IOException {
        for (String form : List.of(
                "'rope_theta': 1000000.0, 'rope_scaling': null",
                "'rope_theta': 1000000.0, 'rope_scaling': {'rope_type': 'default', 'type': 'default'}",
                "'rope_parameters': {'rope_type': 'default', 'rope_theta': 1000000.0, 'partial_rotary_factor': 1.0}",
                "'rope_scaling': null")) {
            assertThat(configWith("'rope_theta': 1000000.0", form)).isEqualTo(SMALL);
        }
        assertThat(configWith("'rope_theta': 1000000.0", "'rope_parameters': {'rope_theta': 1e4}")
                        .ropeTheta())
                .isEqualTo(1e4);
    }

    @Test
    void whatMayBeAbsentHasItsDefault() throws IOException {
        assertThat(configWith("'rms_norm_eps': 1.0E-5,", "")).isEqualTo(SMALL);
        assertThat(configWith("'sliding_window': null,", "")).isEqualTo(SMALL);
        assertThat(configWith("'hidden_act': 'silu',", "")).isEqualTo(SMALL);
        assertThat(configWith("'architectures': ['MixtralForCausalLM'],", "")).isEqualTo(SMALL);
        assertThat(configWith("'sliding_window': null", "'sliding_window': 8").slidingWindow())
                .hasValue(8);
        assertThat(MixtralConfigFile.read(edited(text -> text.replace("\"num_key_value_heads\": 2,", "")))
                        .kvHeads())
                .isEqualTo(4);
        assertThat(MixtralConfigFile.read(edited(text -> text.replace("\"head_dim\": 8,", "")))
                        .headSize())
                .isEqualTo(4);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '^',
            value = {
                "{'temperature': -0.1}        | `temperature` is out of its range: -0.1",
                "{'temperature': 1e999}       | `temperature` is out of its range: Infinity",
                "{'temperature': 101}         | `temperature` is out of its range: 101",
                "{'temperature': HUGE}        | `temperature` is out of its range: Infinity",
                "{'repetition_penalty': 101}  | `repetition_penalty` is out of its range: 101",
                "{'top_k': HUGE}              | `top_k` must be a whole number",
                "{'min_p': null} 1            | not valid JSON: Trailing token found after value (line 1, column 17)",
                "{'min_p': NaN}               | not valid JSON: Non-standard token 'NaN' (line 1",
                "{'min_p': DEEP}              | not valid JSON: Document nesting depth (501) exceeds the maximum allowed (500)",
                "{'temperature': 'hot'}       | `temperature` must be a number",
                "{'top_p': 0}                 | `top_p` is out of its range",
                "{'top_p': 1.1}               | `top_p` is out of its range",
                "{'top_k': -1}                | `top_k` is out of its range",
                "{'top_k': 1.5}               | `top_k` must be a whole number",
                "{'min_p': 2}                 | `min_p` is out of its range",
                "{'repetition_penalty': 0}    | `repetition_penalty` is out of its range",
                "{'do_sample': 1}             | `do_sample` must be true or false",
                "{'eos_token_id': [2, 40]}    | `eos_token_id` is 40, but the vocabulary has 40 tokens",
                "{'eos_token_id': {}}         | `eos_token_id` must be a whole number",
                "{'bos_token_id': 40}         | `bos_token_id` is 40",
                "[]                           | not a JSON object",
                "{                            | not valid JSON",
            })
    void wrongGenerationDefaultsAreRefused(String text, String complaint) throws IOException {
        Files.writeString(
                folder.resolve("generation_config.json"),
                text.replace('\'', '"').replace("HUGE", "9".repeat(900)).replace("DEEP", "[".repeat(1000)));
        assertRefused(folder).contains("generation_config.json", complaint);
    }

    @Test
    void generationDefaultsFallBackToTheConfigsTokens() throws IOException {
        assertDefaults(List.of(2), OptionalInt.of(1), OptionalDouble.empty());
        Files.writeString(folder.resolve("generation_config.json"), "{\"temperature\": 0, \"top_k\": null}");
        assertDefaults(List.of(2), OptionalInt.of(1), OptionalDouble.of(0));
        Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\": [3, 5], \"bos_token_id\": 4}");
        assertDefaults(List.of(3, 5), OptionalInt.of(4), OptionalDouble.empty());
    }

    private void assertDefaults(List<Integer> ends, OptionalInt begin, OptionalDouble temperature) {
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(checkpoint.generationDefaults().endTokens()).isEqualTo(ends);
            assertThat(checkpoint.generationDefaults().beginToken()).isEqualTo(begin);
            assertThat(checkpoint.generationDefaults().temperature()).isEqualTo(temperature);
        }
    }

    private MixtralConfig configWith(String good, String other) throws IOException {
        edit(good, other);
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            return checkpoint.config();
        }
    }

    private void edit(String good, String other) throws IOException {
        String from = good.replace('\'', '"');
        assertThat(original).contains(from);
        Files.writeString(config(), original.replace(from, other.replace('\'', '"')));
    }

    private JsonObject edited(UnaryOperator<String> change) throws IOException {
        Files.writeString(config(), change.apply(original));
        return MixtralConfigFile.open(folder);
    }

    private Path config() {
        return folder.resolve("config.json");
    }
}
