// Encodes an array's tensor map for the copy engine. Looks up the driver function at run time, so that
// no target links libcuda.
#include "kernels/cuda/tensor_core.cuh"

namespace kvatlas::kernels {

const char* makeTensorMap(TensorMap& map, const void* values, uint64_t heads, uint64_t tokens, uint64_t head_dim,
                          bool bf16) {
  void* function = nullptr;
  cudaDriverEntryPointQueryResult found{};
  const cudaError_t error =
      cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &function, 12000, cudaEnableDefault, &found);
  if (error != cudaSuccess || found != cudaDriverEntryPointSuccess) {
    return errorText("CUDA: the driver has no cuTensorMapEncodeTiled");
  }
  const cuuint64_t size[3] = {head_dim, tokens, heads};
  const cuuint64_t stride[2] = {head_dim * 2, tokens * head_dim * 2};  // bytes
  const cuuint32_t box[3] = {kPanelDims, 64, 1};
  const cuuint32_t step[3] = {1, 1, 1};
  const CUresult result = reinterpret_cast<decltype(&cuTensorMapEncodeTiled)>(function)(
      &map, bf16 ? CU_TENSOR_MAP_DATA_TYPE_BFLOAT16 : CU_TENSOR_MAP_DATA_TYPE_FLOAT16, 3, const_cast<void*>(values),
      size, stride, box, step, CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
      CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  return result == CUDA_SUCCESS ? nullptr : errorText("CUDA: cuTensorMapEncodeTiled rejected the array");
}

}  // namespace kvatlas::kernels
