/** Model folders on disk: safetensors, Hugging Face Mixtral, the published offloading checkpoint. */
package dev.gatun.checkpoint;
