/** In the place of a list that is on its way. */
export function LoadingRows({ count = 6, height = '3rem' }: { count?: number; height?: string }) {
  return (
    <div class="loading-rows" aria-busy="true" role="status">
      <span class="visually-hidden">Loading</span>
      {Array.from({ length: count }, (_, index) => (
        <div class="skeleton" key={index} style={{ height }} />
      ))}
    </div>
  )
}
