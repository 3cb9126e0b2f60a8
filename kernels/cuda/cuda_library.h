// The C border of the CUDA kernels' shared library (libkvatlas_cuda.so); knows device pointers, shapes and streams
// only. Nothing here links it: kernels/cuda/cuda_loader.h opens it when a device is asked for.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Raised whenever a struct or function below changes.
#define KVATLAS_CUDA_ABI 1

// Every function that can fail returns null, or an error text that lives as long as the calling thread or until its
// next call. `stream` is a cudaStream_t; work is queued on it and nothing waits. The current device is the caller's.
// All pointers are device pointers unless named host. Sums are made in a fixed order: the same input gives the same
// bits on one kind of device.

typedef enum { kKvatlasF32 = 0, kKvatlasF16 = 1, kKvatlasBf16 = 2 } KvatlasElement;

// As ProbeShape, ProbeInput and ProbeOutput (kernels/attention_probe.h); outputs are f32 and may be null.
typedef struct {
  uint64_t query_heads, kv_heads, tokens, head_dim, window, sliding_window;
  float scale;
  int32_t element;         // KvatlasElement of query and key
  const void* query;       // [query_heads, tokens, head_dim], contiguous
  const void* key;         // [kv_heads, tokens, head_dim], contiguous
  const float* given_lse;  // [query_heads, tokens] or null
  float *lse, *entropy, *received, *window_sum, *window_rows, *map_mean, *map_max;
  uint64_t cell;
  // Written always: query_heads · tokens when all is finite, else head · tokens + query of the first NaN or Inf.
  uint64_t* first_bad;
  void* workspace;  // kvatlasCudaProbeWorkspace bytes, 16-byte aligned
} KvatlasCudaProbe;

// As DecodeSegment (kernels/ragged_decode.h). query, key, value and output are of the call's element, probabilities f32
// or null.
typedef struct {
  const void* query;
  const void* key;
  const void* value;
  void* output;
  float* probabilities;
  uint64_t rows, length;
} KvatlasCudaSegment;

typedef struct {
  const KvatlasCudaSegment* segments;  // [count], in device memory
  uint64_t count, most_rows, head_dim;
  float scale;
  int32_t element;
} KvatlasCudaDecode;

int32_t kvatlasCudaAbi(void);
const char* kvatlasCudaDeviceCount(int32_t* host_count);
const char* kvatlasCudaDeviceName(int32_t device, char* host_name, uint64_t size);
const char* kvatlasCudaDeviceMemory(int32_t device, uint64_t* host_free, uint64_t* host_total);

// Bytes of device memory the probe needs beside its outputs: O(tokens).
uint64_t kvatlasCudaProbeWorkspace(const KvatlasCudaProbe* probe);
const char* kvatlasCudaProbe(const KvatlasCudaProbe* probe, void* stream);
const char* kvatlasCudaDecode(const KvatlasCudaDecode* decode, void* stream);
// target[i, :] = source[rows[i], :] for `count` rows of row_bytes bytes.
const char* kvatlasCudaGather(const void* source, const uint32_t* rows, uint64_t count, uint64_t row_bytes,
                              void* target, void* stream);

#ifdef __cplusplus
}
#endif
